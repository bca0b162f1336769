//! The project's own commands: `cargo xtask test [--install]`, `cargo xtask bench calls [--json]`,
//! `cargo xtask bench media [--json] [--quick]`, `cargo xtask bench transfer [--json] [--quick]`, `cargo xtask bench queue [--json] [--quick]`,
//! `cargo xtask bench routing [--json] [--quick]`, `cargo xtask nation`, `cargo xtask study` and `cargo xtask soak --minutes M`.
//!
//! What lives here: running other programs and adding up what they print. What may not: logic of
//! the product.
//!
//! ```text
//!   test ─┬► fmt, clippy, docs, cargo test, peers (SIPp, baresip, Kamailio, …) ───┬► "N passed, N failed"
//!         └► queue, its interleavings, simulator, fresh seeds ────────────────────┘
//!   nation ─► deploy/nation/: 31 provinces, 1,000 seats
//!   study ──► docs/callers-answered.md: cities alone against pooled routing
//! ```

mod groups;
mod nation;
mod peers;
mod run;

use std::process::ExitCode;

const USAGE: &str = "\
usage:
  cargo xtask test [--install]      all tests; --install (or CI=true) installs the peers from Debian
  cargo xtask bench calls [--json]  measures the started release binary from outside
  cargo xtask bench media [--json] [--quick]
                                    measures relaying beside rtpengine and a bare loop
  cargo xtask bench transfer [--json] [--quick]
                                    measures the key: to the INVITE, to speech of three, and mixing
  cargo xtask bench queue [--json] [--quick]
                                    measures the queue: one thread, several, one that is stopped
  cargo xtask bench routing [--json] [--quick]
                                    measures decisions and loading on a table for the nation
  cargo xtask nation                writes deploy/nation/ from its facts: 31 provinces, 1,000 seats
  cargo xtask study                 writes docs/callers-answered.md: who is answered in 15 s
  cargo xtask soak --minutes M [--seed S]
                                    the simulator with fresh seeds on every core
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test", rest @ ..] if rest.iter().all(|word| *word == "--install") => {
            groups::test(!rest.is_empty() || run::in_ci())
        }
        ["nation"] => nation::write(),
        ["study"] => groups::study(),
        ["soak", rest @ ..] if !rest.is_empty() => groups::soak(rest),
        ["bench", rest @ ..] if !rest.is_empty() => groups::bench(rest),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
