//! The metrics page, read as Prometheus reads it.

/// One sample of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Labels and their values, in the order of the page.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// All samples of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page(pub Vec<Sample>);

impl Page {
    /// Reads the text format 0.0.4.
    ///
    /// # Panics
    /// If a line is not of that format; the page is under test as well.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| match sample(line) {
                    Some(sample) => sample,
                    None => panic!("not a line of the text format: {line:?}"),
                })
                .collect(),
        )
    }

    /// The sum of all samples of that name which have these labels; 0 if there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(key, value)| sample.labels.iter().any(|(k, v)| k == key && v == value))
        };
        // Adding to +0 keeps an empty sum from being -0.
        0.0 + self.0.iter().filter(fits).map(|s| s.value).sum::<f64>()
    }

    /// True if any sample has that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|sample| sample.name == name)
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (head, value) = match line.rfind('}') {
        Some(end) => line.split_at(end + 1),
        None => line.split_at(line.find(' ')?),
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    let (name, labels) = match head.split_once('{') {
        Some((name, rest)) => (name, self::labels(rest.strip_suffix('}')?)?),
        None => (head, Vec::new()),
    };
    Some(Sample {
        name: name.trim().to_owned(),
        labels,
        value,
    })
}

/// `a="x",b="y"`; quotes, backslashes and line ends within values are escaped.
fn labels(mut rest: &str) -> Option<Vec<(String, String)>> {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"")?;
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, c) in after.char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, c) => value.push(c),
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, '\\') => {}
                (false, c) => value.push(c),
            }
            escaped = !escaped && c == '\\';
        }
        out.push((key.trim().to_owned(), value));
        rest = after.get(end? + 1..)?.trim_start_matches([',', ' ']);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn a_page_is_read() {
        let page = Page::parse(
            "# HELP a b\n# TYPE a counter\na{x=\"1\",y=\"q\\\"}\"} 3\na{x=\"2\"} 4.5\nb 1e3\n",
        );
        assert_eq!(page.sum("a", &[]), 7.5);
        assert_eq!(page.sum("a", &[("y", "q\"}")]), 3.0);
        assert_eq!(page.sum("b", &[]), 1000.0);
        assert_eq!(page.sum("c", &[]), 0.0);
        assert!(page.has("b") && !page.has("c"));
    }
}
