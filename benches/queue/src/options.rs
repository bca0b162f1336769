//! What the command line asks for.

use crate::sizes::Scale;

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// One JSON object instead of tables.
    pub json: bool,
    /// How much.
    pub scale: Scale,
    /// The word that says how much, for the second program.
    pub extent: Option<&'static str>,
}

impl Options {
    /// Reads the words of the command line: `--json`, and `--quick` or `--least`.
    ///
    /// # Errors
    /// Says which word is wrong.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            json: false,
            scale: Scale::full(),
            extent: None,
        };
        for word in words {
            match *word {
                "--json" => options.json = true,
                "--quick" => {
                    options.scale = Scale::quick();
                    options.extent = Some("--quick");
                }
                // For the tests alone.
                "--least" => {
                    options.scale = Scale::least();
                    options.extent = Some("--least");
                }
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
        let quick = Options::read(&["--quick", "--json"]).unwrap();
        assert!(quick.json && quick.extent == Some("--quick"));
        let full = Options::read(&[]).unwrap();
        assert!(!full.json && full.scale.sizes.len() > quick.scale.sizes.len());
        assert!(Options::read(&["--fast"]).is_err());
    }
}
