//! What the counsellor may write down, and that nothing of a dossier is shown.

use crate::made::{ALL, NUMBER, SDP, dossier, facts};
use meishier_transfer::dossier::{Dossier, Facts, FactsError, MOST_FACTS, Via};

#[test]
fn facts_keep_to_their_limits() {
    let unfit = |change: &dyn Fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        facts.check().err()
    };
    assert_eq!(unfit(&|_| {}), None);
    assert_eq!(unfit(&|it| it.why = Some("字".repeat(200))), None);
    let long = Some("字".repeat(201));
    assert_eq!(
        unfit(&|it| it.note = long.clone()),
        Some(FactsError::TooLong)
    );
    let many = vec![String::new(); MOST_FACTS + 1];
    assert_eq!(
        unfit(&|it| it.done = many.clone()),
        Some(FactsError::TooMany)
    );
    assert_eq!(
        unfit(&|it| it.battery = Some(101)),
        Some(FactsError::Battery)
    );
    let line = Some("a\r\nb".to_owned());
    assert_eq!(
        unfit(&|it| it.place = line.clone()),
        Some(FactsError::Control)
    );
    for number in ["", "110;x=1", "call me", "-", &"1".repeat(33)] {
        let number = Some(number.to_owned());
        assert_eq!(
            unfit(&|it| it.callback = number.clone()),
            Some(FactsError::Callback)
        );
    }
    let read: Result<Facts, _> = serde_json::from_str("{\"battery\":5,\"hazards\":[\"gas\"]}");
    assert_eq!(read.unwrap().names(), ["hazards", "battery"]);
    assert!(serde_json::from_str::<Facts>("{\"phone\":1}").is_err());
}

#[test]
fn nothing_of_it_is_shown() {
    let dossier = dossier();
    let parts = dossier.sip(SDP, ALL);
    let shown = format!(
        "{dossier:?} {:?} {:?} {parts:?}",
        dossier.facts, dossier.places
    );
    for text in [NUMBER, "中华", "贵阳", "红色", "5678", "1234567", "楼"] {
        assert!(!shown.contains(text), "{text} in {shown}");
    }
    let named = dossier.contents().join(",");
    assert_eq!(
        named,
        "number,places,risk,level,why,person,clothing,appearance,hazards,safety,battery,callback,done,note"
    );
    let spoken = Dossier {
        via: Via::Voice,
        ..dossier
    };
    let named = spoken.contents().join(",");
    assert_eq!(named, "number,places,level,hazards,battery,callback");
}
