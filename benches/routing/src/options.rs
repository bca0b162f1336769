//! What the command line asks for.

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// One JSON object instead of tables.
    pub json: bool,
    /// How many calls are asked about in a round.
    pub calls: usize,
    /// How many rounds there are of each.
    pub rounds: usize,
}

impl Options {
    /// Reads the words of the command line: `--json`, `--quick`.
    ///
    /// # Errors
    /// Says which word is wrong.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            calls: 20_000,
            rounds: 41,
        };
        for word in words {
            match *word {
                "--json" => options.json = true,
                "--quick" => (options.calls, options.rounds) = (4_000, 9),
                other => return Err(format!("unknown word `{other}`")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn words_are_read() {
        let full = Options::read(&[]).unwrap();
        let quick = Options::read(&["--quick", "--json"]).unwrap();
        assert!(quick.json && quick.calls < full.calls && quick.rounds < full.rounds);
        assert!(Options::read(&["--fast"]).is_err());
    }
}
