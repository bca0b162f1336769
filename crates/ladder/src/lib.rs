//! Draws the messages of one call as a ladder of text: parties as columns, messages as arrows.
//!
//! What lives here: the drawing, from plain data. What may not: knowledge of where the messages
//! come from (simulator, records, captures), files, clocks.
