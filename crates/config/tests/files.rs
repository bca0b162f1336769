//! A configuration of several files: what is included, in which order, and mistakes with the file,
//! line and column in which they stand.

mod shelf;

use meishier_config::{ConfigError, Lang, MAX_DEPTH, MAX_FILE_BYTES, Source, Sources, parse};
use shelf::{SMALL, Shelf, cut, wrong};

fn mistakes(sources: &Sources) -> Vec<ConfigError> {
    sources.parse(None).map(|(it, _)| it.name).unwrap_err()
}

/// `file:line:column: message` of every mistake.
fn lines(sources: &Sources) -> Vec<String> {
    let line = |it: &ConfigError| format!("{}: {}", sources.place(it.span.start), it.message_en);
    mistakes(sources).iter().map(line).collect()
}

fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name}");
}

#[test]
fn every_mistake_of_every_file_is_told_at_once_in_both_languages() {
    let sources = wrong().sources("main.toml");
    let errors = mistakes(&sources);
    for (lang, name) in [(Lang::Zh, "files.zh.txt"), (Lang::En, "files.en.txt")] {
        let report = sources.render(&errors, lang);
        assert!(!report.contains("geheim"), "{report}");
        golden(name, &report);
    }
    // By the files in their order, and in each from the top.
    assert!(errors.is_sorted_by_key(|error| error.span.start));
    for error in &errors {
        let place = sources.place(error.span.start);
        let file = sources
            .files()
            .iter()
            .find(|it| it.name == place.file)
            .unwrap();
        assert!(file.text.lines().nth(place.line - 1).is_some(), "{error:?}");
    }
}

#[test]
fn cut_into_files_it_says_what_it_said_in_one() {
    let (mut one, _) = parse(SMALL, None).unwrap();
    let shelf = cut();
    assert_eq!(shelf.0.len(), 7, "{:?}", shelf.0.keys());
    let sources = shelf.sources("conf/main.toml");
    let (many, doubts) = sources.parse(None).unwrap();
    assert!(doubts.is_empty(), "{doubts:?}");
    assert_ne!(one.table_hash, many.table_hash);
    one.table_hash.clone_from(&many.table_hash);
    assert_ne!(
        one.rule_places, many.rule_places,
        "places count over all files"
    );
    one.rule_places = many.rule_places.clone();
    assert_eq!(format!("{one:?}"), format!("{many:?}"));
    assert!(one.same_identity(&many).is_ok());
}

#[test]
fn what_comes_in_many_follows_the_order_of_the_files() {
    let pool = |name: &str| {
        format!(
            "[[pools]]\nname = \"{name}\"\nshifts = [{{ hours = \"00:00-24:00\", lines = 1 }}]\n"
        )
    };
    let main = format!("include = [\"b/*.toml\", \"a.toml\"]\n{SMALL}");
    let b1 = format!("include = [\"deep/*.toml\"]\n{}", pool("b1"));
    let sources = Shelf::of(&[
        ("main.toml", &main),
        ("a.toml", &pool("a")),
        ("b/1.toml", &b1),
        ("b/2.toml", &pool("b2")),
        ("b/.hidden.toml", "nonsense"),
        ("b/deep/d.toml", &pool("d")),
    ])
    .sources("main.toml");
    let files: Vec<&str> = sources.files().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        files,
        [
            "main.toml",
            "b/1.toml",
            "b/deep/d.toml",
            "b/2.toml",
            "a.toml"
        ]
    );
    let (config, _) = sources.parse(None).unwrap();
    let pools: Vec<&str> = config.pools.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(pools, ["day", "always", "b1", "d", "b2", "a"]);
}

#[test]
fn stars_stand_in_folders_too_and_up_leads_out() {
    let main = format!("include = [\"../*/pools.toml\"]\n{SMALL}");
    let sources = Shelf::of(&[
        ("conf/main/main.toml", &main),
        ("conf/x/pools.toml", "pools = []"),
        ("conf/y/other.toml", "nonsense"),
        ("conf/z/pools.toml", ""),
    ])
    .sources("conf/main/main.toml");
    let files: Vec<&str> = sources.files().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        files,
        [
            "conf/main/main.toml",
            "conf/x/pools.toml",
            "conf/z/pools.toml"
        ]
    );
    sources.parse(None).unwrap();
}

#[test]
fn includes_that_cannot_be_followed_are_told_with_their_place() {
    for (include, expected) in [
        ("[\"x.toml\"]", "m.toml:1:12: x.toml cannot be read"),
        ("[\"no/*.toml\"]", "m.toml:1:12: no cannot be read"),
        ("[\"\"]", "m.toml:1:12: include is not the path of a file"),
        (
            "\"a.toml\"",
            "m.toml:1:11: include must be an array, but is a string",
        ),
        (
            "[7]",
            "m.toml:1:12: include must be a string, but is a whole number",
        ),
        (
            "[\"a.toml\", \"./a.toml\"]",
            "m.toml:1:22: a.toml is included already",
        ),
        (
            "[\"m.toml\"]",
            "m.toml:1:12: m.toml includes itself in a circle: m.toml → m.toml",
        ),
        (
            "[\"c.toml\"]",
            "c.toml:2:3: m.toml includes itself in a circle: m.toml → c.toml → m.toml",
        ),
    ] {
        let main = format!("include = {include}\n{SMALL}");
        let files = [
            ("m.toml", main.as_str()),
            ("a.toml", ""),
            ("c.toml", "include = [\n  \"m.toml\"]"),
        ];
        let sources = Shelf::of(&files).sources("m.toml");
        assert_eq!(lines(&sources), [expected], "{include}");
    }
}

#[test]
fn a_pattern_that_nothing_fits_is_a_doubt_and_never_means_its_own_file() {
    let main = format!("include = [\"*.toml\"]\n{SMALL}");
    let sources = Shelf::of(&[("m.toml", &main)]).sources("m.toml");
    let (_, doubts) = sources.parse(None).unwrap();
    assert_eq!(
        sources.render_warnings(&doubts, Lang::En),
        "m.toml:1:12: warning: no file fits \"*.toml\"\n  1 | include = [\"*.toml\"]\n    |            ^^^^^^^^\n    help: correct the path, or remove it\n"
    );
}

#[test]
fn a_key_spelled_with_escapes_is_followed_and_a_slip_of_it_has_a_near_name() {
    let main = format!("\"incl\\u0075de\" = [\"x.toml\"]\n{SMALL}");
    let sources = Shelf::of(&[("m.toml", &main)]).sources("m.toml");
    assert_eq!(lines(&sources), ["m.toml:1:19: x.toml cannot be read"]);
    let main = format!("inclde = [\"x.toml\"]\n{SMALL}");
    let sources = Shelf::of(&[("m.toml", &main)]).sources("m.toml");
    assert_eq!(mistakes(&sources)[0].help_en, "did you mean include?");
    let errors = parse(&format!("include = [\"x.toml\"]\n{SMALL}"), None);
    let errors = errors.map(|it| it.0.name).unwrap_err();
    assert_eq!(
        errors[0].message_en,
        "there is this one file alone, which cannot include others"
    );
}

#[test]
fn depth_number_and_size_of_files_are_bounded() {
    let name = |n: usize| format!("{n}.toml");
    let mut shelf = Shelf::default();
    for n in 0..=MAX_DEPTH {
        shelf
            .0
            .insert(name(n), format!("include = [\"{}\"]", name(n + 1)));
    }
    *shelf.0.get_mut("0.toml").unwrap() += &format!("\n{SMALL}");
    let deepest = name(MAX_DEPTH);
    let sources = Shelf(shelf.0.clone()).sources("0.toml");
    assert_eq!(
        lines(&sources),
        [format!("{deepest}:1:12: files include each other too deep")]
    );
    shelf.0.insert(deepest, String::new());
    shelf.sources("0.toml").parse(None).unwrap();

    let main = format!("include = [\"x/*.toml\"]\n{SMALL}");
    for (files, fits) in [(1999, true), (2000, false), (5000, false)] {
        let mut shelf = Shelf::of(&[("m.toml", &main)]);
        shelf
            .0
            .extend((0..files).map(|n| (format!("x/{n}.toml"), String::new())));
        let sources = shelf.sources("m.toml");
        if fits {
            sources.parse(None).unwrap();
        } else {
            assert_eq!(lines(&sources), ["m.toml:1:12: there are too many files"]);
        }
    }

    let large = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    let one_too_large = [
        ("m.toml", main.as_str()),
        ("x/a.toml", &large(MAX_FILE_BYTES + 1)),
    ];
    let sources = Shelf::of(&one_too_large).sources("m.toml");
    assert_eq!(
        lines(&sources),
        ["m.toml:1:12: the file is too large: x/a.toml"]
    );
    let text = large(MAX_FILE_BYTES);
    let all: Vec<(String, String)> = (0..4)
        .map(|n| (format!("x/{n}.toml"), text.clone()))
        .collect();
    let mut shelf = Shelf::of(&[("m.toml", &main)]);
    shelf.0.extend(all);
    let sources = shelf.sources("m.toml");
    assert_eq!(
        lines(&sources),
        ["m.toml:1:12: the file is too large: x/3.toml"]
    );
    let sources = Sources::one("m.toml", &large(MAX_FILE_BYTES + 1));
    assert_eq!(
        lines(&sources),
        ["m.toml:1:1: the file is too large: m.toml"]
    );
}

#[test]
fn files_that_are_not_toml_are_all_told_before_anything_else() {
    let main = format!("include = [\"a.toml\", \"b.toml\"]\nshards = 99\n{SMALL}");
    let files = [
        ("m.toml", main.as_str()),
        ("a.toml", "\nx = \n"),
        ("b.toml", "[y\n"),
    ];
    let sources = Shelf::of(&files).sources("m.toml");
    let said = lines(&sources);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("a.toml:2:") && said[1].starts_with("b.toml:1:"),
        "{said:?}"
    );
}

#[test]
fn what_stands_once_may_stand_in_any_file_but_in_one() {
    let without = SMALL.replace("[offer]\nring = \"20s\"\n", "");
    assert_ne!(without, SMALL);
    let main = format!("include = [\"a.toml\"]\n{without}");
    let part = "\n[offer]\nring = \"33s\"\n";
    let sources = Shelf::of(&[("m.toml", &main), ("a.toml", part)]).sources("m.toml");
    assert_eq!(sources.parse(None).unwrap().0.offer.ring.as_secs(), 33);
    for (part, expected) in [
        (part, "a.toml:2:2: offer stands in two files"),
        ("name = \"x\"", "a.toml:1:1: name stands in two files"),
        ("skills = [\"x\"]", "a.toml:1:1: skills stands in two files"),
        (
            "[pools]\nname = \"x\"",
            "a.toml:1:2: pools stands in two files",
        ),
        (
            "pools = [7]",
            "a.toml:1:10: pools must be a table, but is a whole number",
        ),
    ] {
        let main = format!("include = [\"a.toml\"]\n{SMALL}");
        let sources = Shelf::of(&[("m.toml", &main), ("a.toml", part)]).sources("m.toml");
        assert_eq!(lines(&sources), [expected]);
        if expected.contains("two files") {
            let first = mistakes(&sources)[0].also.clone().unwrap();
            assert_eq!(
                sources.place(first.start).file,
                "m.toml",
                "the other place is named"
            );
        }
    }
}

#[test]
fn files_named_together_are_one_configuration_and_need_no_include() {
    let Shelf(files) = cut();
    let list = |with_include: bool| -> Vec<Source> {
        let files = files.iter().map(|(name, text)| Source {
            name: name.clone(),
            text: if with_include {
                text.clone()
            } else {
                text.replace("include", "#")
            },
        });
        files.collect()
    };
    let sources = Sources::gather(list(false), &mut Shelf::default());
    sources.parse(None).unwrap();
    let sources = Sources::gather(list(true), &mut cut());
    sources.parse(None).unwrap();
    assert_eq!(sources.files().len(), list(true).len(), "each file once");
}

#[test]
fn the_hash_follows_the_texts_and_nothing_else() {
    let hash = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| Source {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        });
        Sources::gather(files.collect(), &mut Shelf::default()).hash()
    };
    // The first half of the example of FIPS 180-2, appendix B.1.
    assert_eq!(hash(&[("x", "abc")]), "ba7816bf8f01cfea");
    assert_eq!(
        hash(&[("x", "a"), ("y", "b")]),
        hash(&[("z", "a"), ("x", "b")])
    );
    assert_ne!(
        hash(&[("x", "a"), ("y", "b")]),
        hash(&[("x", "b"), ("y", "a")])
    );
    assert_ne!(
        hash(&[("x", "a"), ("y", "b")]),
        hash(&[("x", "ab"), ("y", "")])
    );
    let (config, _) = parse(SMALL, None).unwrap();
    assert_eq!(config.table_hash, Sources::one("any", SMALL).hash());
}

#[test]
fn no_more_than_500_mistakes_are_kept() {
    let seat = "[[seats]]\nname = \"a b\"\npools = [\"nowhere\"]\n".repeat(300);
    let main = format!("include = [\"a.toml\", \"b.toml\"]\n{SMALL}");
    let files = [
        ("m.toml", main.as_str()),
        ("a.toml", &seat),
        ("b.toml", &seat),
    ];
    let sources = Shelf::of(&files).sources("m.toml");
    let errors = mistakes(&sources);
    assert_eq!(errors.len(), 500);
    assert!(sources.render(&errors, Lang::Zh).len() < 1 << 20);
}

#[test]
fn a_text_is_not_shown_by_accident() {
    let sources = Sources::one("m.toml", "password = \"geheim\"");
    assert_eq!(format!("{:?}", sources.files()), "[\"m.toml\" (19 bytes)]");
}
