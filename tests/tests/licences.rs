//! Every crate that is built in may be used in a program under Apache-2.0 by anybody.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use meishier_tests::tree;

/// Permissive licences, and MPL-2.0, whose copyleft ends at its own files.
const GOOD: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that name no SPDX expression but bring a licence file, with the licence of that file and
/// the words that it begins with.
const BY_FILE: &[(&str, &str, &str)] = &[
    ("rsip", "MIT", "MIT License"),
    ("rsip-derives", "MIT", "MIT License"),
];

/// True if some choice that the SPDX expression offers holds only good licences.
/// `A OR B`, `A AND B`, brackets, `WITH exception` (an exception only adds permissions), and the
/// old `A/B` for `A OR B`.
fn is_good(expression: &str) -> bool {
    let text = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    let good = either(&words, &mut at);
    good && at == words.len()
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut good = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        // No short cut: the rest must be read all the same.
        good |= both(words, at);
    }
    good
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut good = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(words, at);
    }
    good
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let good = either(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return good && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    GOOD.contains(word)
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(tree::root().join("Cargo.toml"));
    // The lock file as committed decides; a file that does not fit the manifests is an error.
    command.other_options(vec!["--locked".to_owned()]);
    command.exec().unwrap()
}

fn judge(package: &Package) -> Result<(), String> {
    let by_file = BY_FILE
        .iter()
        .find(|(name, ..)| *name == package.name.as_str());
    let licence = match (&package.license, by_file) {
        (Some(expression), _) => expression.clone(),
        (None, Some((_, licence, _))) => (*licence).to_owned(),
        (None, None) => return Err(format!("{}: no licence named", package.name)),
    };
    if is_good(&licence) {
        Ok(())
    } else {
        Err(format!("{}: {licence}", package.name))
    }
}

#[test]
fn expressions_are_read() {
    for good in [
        "MIT",
        "MIT OR GPL-3.0-only",
        "GPL-2.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT/Apache-2.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
    ] {
        assert!(is_good(good), "{good}");
    }
    for bad in [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR Apache-2.0) AND LGPL-2.1",
        "AGPL-3.0-or-later WITH x OR SSPL-1.0",
        "MIT)",
        "(MIT",
        "MIT MIT",
        "",
    ] {
        assert!(!is_good(bad), "{bad}");
    }
}

#[test]
fn every_dependency_may_be_used() {
    let metadata = metadata();
    let packages = &metadata.packages;
    assert!(packages.len() > 50, "the dependencies were found");
    let bad: Vec<String> = packages.iter().filter_map(|p| judge(p).err()).collect();
    assert!(bad.is_empty(), "\n{}", bad.join("\n"));
}

#[test]
fn exceptions_are_needed_and_true() {
    let metadata = metadata();
    for (name, _, words) in BY_FILE {
        let found = metadata.packages.iter().find(|p| p.name.as_str() == *name);
        let package = found.unwrap_or_else(|| panic!("{name} is no dependency"));
        assert_eq!(package.license, None, "{name} needs no exception");
        let text = std::fs::read_to_string(package.license_file().unwrap()).unwrap();
        assert!(
            text.starts_with(words),
            "{name}: its licence is another one now"
        );
    }
}

#[test]
fn our_own_crates_are_under_apache() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        assert_eq!(
            package.license.as_deref(),
            Some("Apache-2.0"),
            "{}",
            package.name
        );
        assert_eq!(
            package.publish.as_deref(),
            Some(&[][..]),
            "{} stays here",
            package.name
        );
    }
    let text = std::fs::read_to_string(tree::root().join("LICENSE")).unwrap();
    assert!(text.contains("Apache License") && text.contains("Version 2.0, January 2004"));
}
