//! Each invariant is shown able to fail: the engine is broken on purpose, and the judges say so.
