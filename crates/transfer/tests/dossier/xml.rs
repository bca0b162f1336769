//! A small reader of XML: everything closed in order, names with their namespaces.

/// One element as it was opened.
pub struct Element {
    /// Names from the root to it as they are written, `/` between.
    pub path: String,
    /// Its namespace; empty if it has none.
    pub namespace: String,
    /// Its name without a prefix.
    pub name: String,
    /// Attributes other than `xmlns`, as they are written.
    pub attributes: Vec<(String, String)>,
    /// The text before its first child or its end.
    pub text: String,
}

/// Prefix and namespace of each declaration, the innermost last.
type Scope = Vec<(String, String)>;

/// All elements in order.
pub fn elements(xml: &str) -> Vec<Element> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut scope: Scope = Vec::new();
    let mut found = Vec::new();
    let mut rest = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        .unwrap();
    while let Some(start) = rest.strip_prefix('<') {
        let (tag, after) = start.split_once('>').unwrap();
        let (text, next) = after.split_at(after.find('<').unwrap_or(after.len()));
        rest = next;
        if let Some(name) = tag.strip_prefix('/') {
            let (opened, outer) = open.pop().unwrap();
            assert_eq!((opened.as_str(), text), (name, ""));
            scope.truncate(outer);
            continue;
        }
        let (written, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        open.push((written.to_owned(), scope.len()));
        let attributes = declared(attributes, &mut scope);
        let (prefix, name) = written.split_once(':').unwrap_or(("", written));
        let declared = scope.iter().rev().find(|it| it.0 == prefix);
        assert!(declared.is_some() || prefix.is_empty(), "{written}");
        let path: Vec<&str> = open.iter().map(|it| it.0.as_str()).collect();
        found.push(Element {
            path: path.join("/"),
            namespace: declared.map(|it| it.1.clone()).unwrap_or_default(),
            name: name.to_owned(),
            attributes,
            text: plain(text),
        });
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
    found
}

/// Takes the namespaces that a tag declares into the scope; gives its other attributes.
fn declared(attributes: &str, scope: &mut Scope) -> Vec<(String, String)> {
    let mut others = Vec::new();
    let mut rest = attributes.trim();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, next) = after.split_once('"').unwrap();
        let pair = |name: &str| (name.to_owned(), plain(value));
        match name.strip_prefix("xmlns") {
            Some(prefix) => scope.push(pair(prefix.trim_start_matches(':'))),
            None => others.push(pair(name)),
        }
        rest = next.trim_start();
    }
    assert_eq!(rest, "", "{attributes}");
    others
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The text of the one element whose path ends so.
pub fn text<'x>(all: &'x [Element], ends: &str) -> Option<&'x str> {
    let mut found = all.iter().filter(|it| it.path.ends_with(ends));
    let first = found.next().map(|it| it.text.as_str());
    assert!(found.next().is_none(), "{ends} stands there twice");
    first
}
