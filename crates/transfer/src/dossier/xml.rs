//! Writing XML: elements and text, nothing else.

/// A document under way.
pub(super) struct Xml(String);

impl Xml {
    /// Begins a document.
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned())
    }

    /// An element with attributes written out, around what `inner` writes.
    pub(super) fn tag(&mut self, name: &str, attributes: &str, inner: impl FnOnce(&mut Self)) {
        let space = if attributes.is_empty() { "" } else { " " };
        self.0.push_str(&format!("<{name}{space}{attributes}>"));
        inner(self);
        self.0.push_str(&format!("</{name}>"));
    }

    /// An element that holds a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.tag(name, "", |xml| xml.0.push_str(&escaped(text)));
    }

    /// The same, unless there is no text.
    pub(super) fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text);
        }
    }

    /// A text.
    pub(super) fn words(&mut self, text: &str) {
        self.0.push_str(&escaped(text));
    }

    /// The document.
    pub(super) fn done(self) -> String {
        self.0
    }
}

/// What may stand in an element or an attribute; what XML has no sign for is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
