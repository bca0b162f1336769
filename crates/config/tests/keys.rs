//! The keys of the desk and the numbers of places: what each line says, its default, its mistakes.

use meishier_config::{
    Config, Dial, KeyKind, Lang, Manner, PlaceRule, Reach, RuleOf, parse, render,
};
use meishier_model::{PoolId, SkillId, SkillSet, TrunkId};
use meishier_transfer::Heard;
use std::time::Duration;

const GOOD: &str = include_str!("data/small.toml");
const KEY: &str = "[[transfer.keys]]\nname = \"110\"\ntitle = \"公安\"\nkind = \"emergency\"\n\
                   ring = \"30s\"\ntrunk = \"one\"\n";

/// The small file with these sections instead of its key.
fn with(sections: &str) -> String {
    assert_eq!(GOOD.matches(KEY).count(), 1);
    GOOD.replace(KEY, sections)
}

fn load(sections: &str) -> Config {
    let text = with(sections);
    match parse(&text, None) {
        Ok((config, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:?}");
            config
        }
        Err(errors) => panic!("{}", render(&errors, "f", &text, Lang::En)),
    }
}

/// One key of these lines.
fn key(lines: &str) -> meishier_config::Key {
    load(&format!("[[transfer.keys]]\n{lines}"))
        .transfer
        .keys
        .swap_remove(0)
}

/// Messages in English, each at its text; all of them have Chinese ones too.
fn told(sections: &str) -> Vec<(String, String, String)> {
    let text = with(sections);
    let errors = parse(&text, None).map(|_| ()).unwrap_err();
    let told = errors.into_iter().map(|it| {
        assert!(!it.message_zh.is_empty() && !it.help_zh.is_empty());
        assert_ne!(it.message_zh, it.message_en);
        (it.message_en, it.help_en, text[it.span.clone()].to_owned())
    });
    told.collect()
}

#[track_caller]
fn refuses(sections: &str, message: &str, at: &str, help: &str) {
    let found = told(sections);
    let [(said, helped, text)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((said.as_str(), text.as_str()), (message, at));
    assert!(helped.contains(help), "{helped}");
}

const HOTLINE: &str = "name = \"12345\"\nkind = \"hotline\"\ntrunk = \"one\"\n";
const EMERGENCY: &str = "name = \"110\"\nkind = \"emergency\"\ntrunk = \"one\"\n";

#[test]
fn what_is_left_out_has_its_usual_value() {
    let key = key(EMERGENCY);
    assert_eq!((&*key.name, &*key.title), ("110", "110"));
    assert_eq!((key.kind, &key.reach), (KeyKind::Emergency, &Reach::Place));
    assert_eq!(key.manners.as_slice(), [Manner::Warm]);
    assert_eq!(key.ring, Duration::from_secs(30));
    assert_eq!(key.limit, Duration::from_secs(90));
    assert_eq!(key.ask_within, Duration::from_secs(15));
    assert_eq!((key.brief, key.dossier), (false, false));
    assert_eq!((key.star.as_str(), key.trunk), ("", TrunkId(0)));
    assert!(key.backup.is_empty());
}

#[test]
fn everything_can_be_said() {
    let key = key(
        "name = \"12355\"\ntitle = \"青少年\"\nkind = \"hotline\"\ntrunk = \"two\"\nbackup = [\"one\"]\n\
         manner = [\"consult\", \"warm\", \"blind\"]\nring = \"20s\"\nlimit = \"1min\"\nbrief = true\n\
         dossier = true\nconsent = true\nstar = \"355\"\nask_within = \"30s\"\n",
    );
    assert_eq!(key.reach, Reach::Place, "a short code goes by place");
    let manners = [Manner::Consult, Manner::Warm, Manner::Blind];
    assert_eq!(key.manners.as_slice(), manners);
    assert_eq!(key.ring, Duration::from_secs(20));
    assert_eq!(key.limit, Duration::from_secs(60));
    assert_eq!(key.ask_within, Duration::from_secs(30));
    assert!(key.brief && key.dossier && key.consent);
    assert_eq!((key.star.as_str(), key.trunk), ("355", TrunkId(1)));
    assert_eq!(key.backup, [TrunkId(0)]);
}

#[test]
fn fixed_targets_are_numbers_and_addresses_in_order() {
    let key = key("name = \"clinic\"\nkind = \"clinic\"\ntrunk = \"one\"\n\
         to = [\"0851-8765 4321\", \"sip:desk@192.0.2.7:5062;transport=tcp\", \"87654322\"]\n");
    let expected = [
        Dial::Number("085187654321".to_owned()),
        Dial::Uri("sip:desk@192.0.2.7:5062;transport=tcp".to_owned()),
        Dial::Number("87654322".to_owned()),
    ];
    assert_eq!(key.reach, Reach::Fixed(expected.to_vec()));
}

#[test]
fn the_second_line_is_a_pool_and_skills() {
    let key = key(
        "name = \"second\"\nkind = \"second_line\"\npool = \"always\"\nskills = [\"危机\"]\n\
         manner = [\"warm\", \"quiet\"]\n",
    );
    let skills = SkillSet::EMPTY.with(SkillId::new(1).unwrap());
    let pool = PoolId(1);
    assert_eq!(key.reach, Reach::Seats { pool, skills });
    let by_phone = load(
        "[[transfer.keys]]\nname = \"duty\"\nkind = \"supervisor\"\ntrunk = \"one\"\nto = [\"13800000000\"]\n",
    );
    let target = by_phone.transfer.target("duty", "").unwrap();
    assert_eq!(target.first(), "13800000000");
}

#[test]
fn lines_of_places_are_taken() {
    let config = load(&format!(
        "[[transfer.keys]]\n{EMERGENCY}\n\
         [[transfer.places]]\ncity = \"遵义\"\nkey = \"110\"\nto = [\"sip:110@192.0.2.9\", \"085128000000\"]\ntrunk = \"two\"\n\
         [[transfer.places]]\ncity = \"520300\"\ndistrict = \"红花 岗\"\nkey = \"110\"\nto = [\"085128222222\"]\n\
         [[transfer.places]]\nprovince = \"海南\"\nkey = \"110\"\nto = [\"089866666666\"]\n\
         [[transfer.places]]\ncity = \"海南省文昌市\"\nkey = \"110\"\nto = [\"089863333333\"]\n",
    ));
    let plan = &config.transfer;
    let of: Vec<RuleOf> = plan.places.iter().map(|it| it.of).collect();
    let expected = [
        RuleOf::City(520_300),
        RuleOf::City(520_300),
        RuleOf::Province(46),
        RuleOf::City(469_005),
    ];
    assert_eq!(of, expected);
    assert_eq!(
        plan.places[0],
        PlaceRule {
            of: RuleOf::City(520_300),
            district: String::new(),
            key: "110".to_owned(),
            to: vec![
                Dial::Uri("sip:110@192.0.2.9".to_owned()),
                Dial::Number("085128000000".to_owned())
            ],
            trunk: Some(TrunkId(1)),
        }
    );
    let dials = |given: &str| {
        let target = plan
            .choose("110", &Heard::given(given))
            .unwrap()
            .into_target();
        let dials = target.dials.iter().map(|it| it.as_str().to_owned());
        dials.collect::<Vec<_>>()
    };
    let zunyi = ["sip:110@192.0.2.9", "085128000000", "0851110"];
    assert_eq!(dials("遵义"), zunyi);
    assert_eq!(dials("遵义红花岗区")[0], "085128222222");
    assert_eq!(dials("文昌市"), ["089863333333", "089866666666", "0898110"]);
}

#[test]
fn an_emergency_is_never_blind_nor_always_the_same_number() {
    let keys = |lines: &str| format!("[[transfer.keys]]\n{EMERGENCY}{lines}\n");
    refuses(
        &keys("manner = [\"warm\", \"blind\"]"),
        "an emergency key cannot be blind",
        "\"blind\"",
        "\"warm\"",
    );
    refuses(
        &keys("to = [\"085188888888\"]"),
        "an emergency key goes by the place of the event and takes no to",
        "[\"085188888888\"]",
        "[[transfer.places]]",
    );
    refuses(
        &keys("pool = \"day\""),
        "only second_line and supervisor have a pool",
        "\"day\"",
        "to = [",
    );
    refuses(
        "[[transfer.keys]]\nname = \"police\"\nkind = \"emergency\"\ntrunk = \"one\"\n",
        "nothing says whom transfer key \"police\" reaches",
        "[[transfer.keys]]",
        "\"110\"",
    );
}

#[test]
fn a_key_that_reaches_nobody_is_told_what_would() {
    for (kind, name, help) in [
        ("hotline", "87654321", "a short code as 12345"),
        ("clinic", "clinic", "to = [\"a number\"]"),
        ("number", "n", "sip:"),
        ("second_line", "second", "pool = "),
        ("supervisor", "boss", "pool = "),
    ] {
        let lines =
            format!("[[transfer.keys]]\nname = \"{name}\"\nkind = \"{kind}\"\ntrunk = \"one\"\n");
        let message = format!("nothing says whom transfer key {name:?} reaches");
        refuses(&lines, &message, "[[transfer.keys]]", help);
    }
}

#[test]
fn star_codes_are_told_apart() {
    let two = |a: &str, b: &str| {
        format!(
            "[[transfer.keys]]\n{EMERGENCY}star = \"{a}\"\n\
             [[transfer.keys]]\nname = \"120\"\nkind = \"emergency\"\ntrunk = \"one\"\nstar = \"{b}\"\n"
        )
    };
    assert_eq!(load(&two("20", "21")).transfer.keys[1].star, "21");
    for (a, b) in [("20", "20"), ("2", "20"), ("201", "20")] {
        let message = format!("*{b} cannot be told from *{a} (transfer key \"110\")");
        refuses(
            &two(a, b),
            &message,
            &format!("\"{b}\""),
            "none the beginning",
        );
    }
    for star in ["11", "1", "12", "13", "14", "145"] {
        let found = told(&two("20", star));
        assert!(found[0].0.contains("signing on and off"), "{found:?}");
    }
    for star in ["0", "8", "9", "91"] {
        let found = told(&two("20", star));
        assert!(found[0].0.contains("in a conversation"), "{found:?}");
    }
    for star in ["", "*20", "2a", "123456"] {
        let message = format!("star is not one to five digits: {star:?}");
        refuses(&two("20", star), &message, &format!("\"{star}\""), "*20");
    }
    let nuisance = format!("{}\n[care]\nnuisance_key = \"*7\"\n", two("20", "71"));
    let found = told(&nuisance);
    assert_eq!(found[0].0, "*71 cannot be told from *7 (care.nuisance_key)");
    load(&format!(
        "{}\n[care]\nnuisance_key = \"#7\"\n",
        two("20", "7")
    ));
}

#[test]
fn every_mistake_is_told_at_once() {
    let found = told(
        "[[transfer.keys]]\nname = \"11 0\"\nkind = \"emergncy\"\ntrunk = \"three\"\nring = \"1s\"\n\
         [[transfer.keys]]\nname = \"120\"\nkind = \"emergency\"\ntrunk = \"one\"\nring = \"40s\"\nlimit = \"20s\"\nbackup = [\"one\"]\n\
         manner = [\"warm\", \"warm\", \"cold\"]\n\
         [[transfer.keys]]\nname = \"120\"\nkind = \"clinic\"\ntrunk = \"one\"\nto = [\"tel:120\", \"1\", \"120\", \"1-20\"]\nask_within = \"5s\"\n\
         [[transfer.keys]]\nname = \"s\"\nkind = \"second_line\"\npool = \"nigt\"\ntrunk = \"one\"\nskills = [\"危急\"]\n\
         [[transfer.keys]]\nname = \"t\"\nkind = \"clinic\"\ntrunk = \"one\"\nto = []\nmanner = []\ndossir = true\n\
         [[transfer.places]]\ncity = \"吉林\"\nkey = \"120\"\nto = [\"120\"]\n\
         [[transfer.places]]\ncity = \"贵羊\"\nkey = \"t\"\n\
         [[transfer.places]]\nkey = \"120\"\nto = [\"085112345\"]\nprovince = \"贵洲\"\n\
         [[transfer.places]]\ncity = \"贵阳\"\nkey = \"120\"\nto = [\"085112345\"]\n\
         [[transfer.places]]\ncity = \"520100\"\nkey = \"120\"\nto = [\"085112346\"]\n",
    );
    let messages: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
    for expected in [
        "name cannot be \"11 0\"",
        "kind does not know \"emergncy\"",
        "there is no trunk named \"three\"",
        "ring is out of range: 1s",
        "limit is shorter than ring",
        "trunk \"one\" stands there twice",
        "manner has \"warm\" twice",
        "manner does not know \"cold\"",
        "transfer key \"120\" is there twice",
        "to is neither a number nor a SIP URI: \"tel:120\"",
        "to is neither a number nor a SIP URI: \"1\"",
        "to has \"1-20\" twice",
        "\"120\" does not depend on the place and asks nothing",
        "there is no pool named \"nigt\"",
        "there is no skill named \"危急\"",
        "to must not be empty",
        "manner must not be empty",
        "[[transfer.keys]] has no key \"dossir\"",
        "\"吉林\" may be several cities",
        "there is no city \"贵羊\"",
        "transfer key \"t\" does not depend on the place",
        "[[transfer.places]] lacks to",
        "there is no province \"贵洲\"",
        "this place and key are there twice",
    ] {
        assert!(messages.contains(&expected), "{expected}\n{messages:#?}");
    }
}

#[test]
fn without_consent_nothing_is_told_where_no_life_is_in_danger() {
    for (key, more, wrong) in [
        (EMERGENCY, "brief = true\ndossier = true\n", 0),
        (HOTLINE, "brief = false\ndossier = false\n", 0),
        (HOTLINE, "brief = true\nconsent = true\n", 0),
        (HOTLINE, "brief = true\n", 1),
        (
            HOTLINE,
            "brief = true\ndossier = true\nconsent = false\n",
            2,
        ),
    ] {
        let text = with(&format!("[[transfer.keys]]\n{key}{more}"));
        let errors = parse(&text, None).err().unwrap_or_default();
        assert_eq!(errors.len(), wrong, "{more}: {errors:?}");
        for error in errors {
            assert!(error.message_en.contains("only if they agree"));
            assert!(error.message_zh.contains("第十三条第一款第一项"));
        }
    }
}
