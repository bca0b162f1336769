//! Where the demo writes for people: lines, and one line of figures that is kept up to date.

use meishier_config::Lang;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the figures are printed where they cannot be rewritten.
const EVERY: Duration = Duration::from_secs(5);

/// Standard output, or standard error if the output belongs to JSON.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// The last line can be rewritten.
    terminal: bool,
    /// The language of what is written.
    pub lang: Lang,
    /// What stands in the last line of a terminal.
    figures: String,
    printed: Option<Instant>,
}

impl Screen {
    /// Writes to standard error if `json` is to have standard output.
    pub fn new(json: bool, lang: Lang) -> Self {
        if json {
            let out = io::stderr();
            let terminal = out.is_terminal();
            Self::over(Box::new(out), terminal, lang)
        } else {
            let out = io::stdout();
            let terminal = out.is_terminal();
            Self::over(Box::new(out), terminal, lang)
        }
    }

    fn over(out: Box<dyn Write + Send>, terminal: bool, lang: Lang) -> Self {
        Self {
            out,
            terminal,
            lang,
            figures: String::new(),
            printed: None,
        }
    }

    /// Writes a line, or several. Whoever read them may be gone; the play goes on.
    pub fn say(&mut self, text: &str) {
        let _ = if self.figures.is_empty() {
            writeln!(self.out, "{text}")
        } else {
            // Over the figures, which come again below.
            write!(self.out, "\r\x1b[2K{text}\n{}", self.figures)
        };
        let _ = self.out.flush();
    }

    /// Shows the figures: rewritten in place on a terminal, else every few seconds.
    pub fn show(&mut self, figures: String) {
        if self.terminal {
            let _ = write!(self.out, "\r\x1b[2K{figures}");
            self.figures = figures;
        } else if self.printed.is_none_or(|at| at.elapsed() >= EVERY) {
            self.printed = Some(Instant::now());
            let _ = writeln!(self.out, "    {figures}");
        }
        let _ = self.out.flush();
    }

    /// Leaves the figures as they stand; what follows comes below.
    pub fn done(&mut self) {
        if !std::mem::take(&mut self.figures).is_empty() {
            let _ = writeln!(self.out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(terminal: bool) -> String {
        let page = Page::default();
        let mut screen = Screen::over(Box::new(page.clone()), terminal, Lang::En);
        screen.say("a");
        screen.show("1".into());
        screen.show("2".into());
        screen.say("b");
        screen.done();
        screen.say("c");
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_terminal_has_one_line_of_figures() {
        let expected = "a\n\r\x1b[2K1\r\x1b[2K2\r\x1b[2Kb\n2\nc\n";
        assert_eq!(written(true), expected);
    }

    #[test]
    fn a_file_has_them_now_and_then() {
        assert_eq!(written(false), "a\n    1\nb\nc\n");
    }
}
