//! The head that every bench has: words of the command line in, figures out.

use std::process::ExitCode;

/// Reads the words, measures and prints the figures, ended by one line break whether they are
/// a table or one JSON object. Exit status: 0 if everything was measured, and a missed goal is a figure; 1 if
/// not; 2 if a word is wrong.
pub fn run<O>(
    usage: &str,
    read: impl FnOnce(&[&str]) -> Result<O, String>,
    measure: impl FnOnce(&O) -> Result<String, String>,
) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let options = match read(&words) {
        Ok(options) => options,
        Err(why) => {
            eprint!("{why}\n{usage}");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(figures) => {
            println!("{}", figures.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}
