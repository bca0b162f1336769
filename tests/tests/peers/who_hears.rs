//! Who hears whom, shown by tones: every party speaks one of its own all the time, and hears those whom
//! it should and nobody else.

use crate::desk::{Desk, Party, ears, mobile, pool};
use meishier_tests::plan::Plan;
use serde_json::json;

/// Keys for police, who may come quietly or be asked first, and for the second line.
const KEYS: &str = r#"
[[transfer.keys]]
name = "110"
title = "police"
kind = "emergency"
trunk = "trunk"
manner = ["warm", "consult", "quiet"]

[[transfer.keys]]
name = "second"
title = "second line"
kind = "second_line"
pool = "second"
"#;

/// Caller and counsellor talk; police at the end of the trunk, somebody of the second line and a
/// supervisor can be reached.
fn desk() -> (Desk, Party, Party, Party) {
    let [police, second, supervisor] = ['P', 'L', 'V'].map(Party::new);
    let mut plan = Plan::default();
    plan.music = true;
    plan.trunk = format!("to = [\"{}\"]\n", police.address());
    plan.add_tables(&pool("second", &second, "ready"));
    plan.add_tables(&pool("supervisors", &supervisor, "paused"));
    plan.add_tables(KEYS);
    let desk = Desk::talking(plan);
    let [police, second, supervisor] =
        [police, second, supervisor].map(|it| it.towards(&desk.engine));
    (desk, police, second, supervisor)
}

/// Caller, counsellor and one more hear so.
fn three(desk: &mut Desk, third: &mut Party, expected: &str) {
    let Desk {
        caller, counsellor, ..
    } = desk;
    ears(&mut [caller, counsellor, third], expected);
}

#[test]
fn three_hear_each_other_and_none_itself() {
    let (mut desk, mut police, ..) = desk();
    desk.ears();
    assert_eq!(desk.press("110", ""), "0851110");
    assert_eq!(police.answer().called_user(), "0851110");
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut police, "C:KP K:CP P:CK");
    // Police have taken over: the counsellor may leave.
    desk.wish("thirds/1", json!({ "wish": "confirm" }));
    desk.wish("leave", json!({}));
    desk.counsellor.is_hung_up();
    ears(&mut [&mut desk.caller, &mut police], "C:P P:C");
    police.hang_up();
    desk.caller.is_hung_up();
    assert_eq!(desk.over()["transfers"][0]["outcome"], "joined");
}

#[test]
fn four_hear_each_other() {
    let (mut desk, mut police, mut second, _) = desk();
    desk.press("110", "");
    police.answer();
    desk.press("second", "");
    second.answer();
    desk.until_thirds(&["joined", "joined"]);
    let Desk {
        caller, counsellor, ..
    } = &mut desk;
    let parties = &mut [caller, counsellor, &mut police, &mut second];
    ears(parties, "C:KPL K:CPL P:CKL L:CKP");
    police.hang_up();
    second.hang_up();
    desk.until_thirds(&[]);
    desk.ears();
    desk.end();
}

#[test]
fn whoever_is_asked_first_is_not_heard_by_the_caller_who_hears_music() {
    let (mut desk, mut police, ..) = desk();
    desk.press("110", "consult");
    police.answer();
    desk.until_thirds(&["apart"]);
    three(&mut desk, &mut police, "C:music K:P P:K");
    assert!(desk.caller.never_heard('P') && police.never_heard('C'));
    desk.wish("thirds/1", json!({ "wish": "join" }));
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut police, "C:KP K:CP P:CK");
    police.hang_up();
    desk.until_thirds(&[]);
    desk.end();
}

#[test]
fn a_caller_with_quiet_police_hears_the_counsellor_alone_and_police_the_officer_alone() {
    let (mut desk, mut police, mut second, _) = desk();
    desk.press("second", "");
    second.answer();
    desk.until_thirds(&["joined"]);
    desk.press("110", "quiet");
    police.answer();
    desk.until_thirds(&["joined", "joined"]);
    let Desk {
        caller, counsellor, ..
    } = &mut desk;
    let parties = &mut [caller, counsellor, &mut second, &mut police];
    ears(parties, "C:K K:C L:CKP P:L");
    assert!(desk.caller.never_heard('P'), "not for a moment");
    assert!(desk.counsellor.never_heard('P'));
    police.hang_up();
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut second, "C:KL K:CL L:CK");
    second.hang_up();
    desk.until_thirds(&[]);
    desk.end();
}

#[test]
fn quiet_police_without_an_officer_are_heard_by_the_counsellor_alone() {
    let (mut desk, mut police, ..) = desk();
    desk.press("110", "quiet");
    police.answer();
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut police, "C:K K:CP P:CK");
    assert!(desk.caller.never_heard('P'), "not for a moment");
    police.hang_up();
    desk.until_thirds(&[]);
    desk.end();
}

#[test]
fn a_supervisor_who_listens_is_heard_by_nobody_and_one_who_whispers_by_the_counsellor() {
    let (mut desk, _, _, mut supervisor) = desk();
    let listen = json!({ "seat": "of-supervisors", "mode": "listen" });
    let (status, body) = desk.ask("supervise", &listen);
    assert_eq!(status, 202, "{body}");
    supervisor.answer();
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut supervisor, "C:K K:C V:CK");
    assert!(desk.counsellor.never_heard('V'), "not for a moment");
    desk.mode("1", "whisper");
    three(&mut desk, &mut supervisor, "C:K K:CV V:CK");
    assert!(desk.caller.never_heard('V'), "not for a moment");
    desk.mode("1", "full");
    three(&mut desk, &mut supervisor, "C:KV K:CV V:CK");
    desk.mode("1", "listen");
    three(&mut desk, &mut supervisor, "C:K K:C V:CK");
    // Each of them is in the audit, the latest first.
    let audit = desk.engine.get("/api/v1/audit").json();
    let entries = audit["entries"].as_array().into_iter().flatten();
    // What the engine tells of it stands beside what was asked for.
    let (told, asked): (Vec<_>, Vec<_>) = entries.partition(|it| it["what"] == "takes_part");
    assert!(told.len() >= asked.len(), "{audit}");
    let modes: Vec<_> = asked
        .iter()
        .map(|it| (&it["what"], &it["detail"]["mode"]))
        .collect();
    let (mode, supervise) = (&json!("mode"), &json!("supervise"));
    let [listen, full, whisper] = &["listen", "full", "whisper"].map(|it| json!(it));
    let expected = [
        (mode, listen),
        (mode, full),
        (mode, whisper),
        (supervise, listen),
    ];
    assert_eq!(modes, expected, "{audit}");
    supervisor.hang_up();
    desk.until_thirds(&[]);
    desk.end();
}

#[test]
fn a_caller_on_hold_hears_music_and_is_heard_by_nobody() {
    let (mut desk, mut police, ..) = desk();
    desk.mode("caller", "held");
    ears(&mut [&mut desk.caller, &mut desk.counsellor], "C:music K:-");
    desk.press("110", "");
    police.answer();
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut police, "C:music K:P P:K");
    assert!(desk.caller.never_heard('P') && police.never_heard('C'));
    desk.mode("caller", "full");
    three(&mut desk, &mut police, "C:KP K:CP P:CK");
    police.hang_up();
    desk.until_thirds(&[]);
    desk.end();
}

#[test]
fn counsellor_and_police_hear_each_other_when_the_caller_is_gone() {
    let (mut desk, mut police, ..) = desk();
    desk.press("110", "");
    police.answer();
    desk.until_thirds(&["joined"]);
    three(&mut desk, &mut police, "C:KP K:CP P:CK");
    desk.caller.hang_up();
    desk.until("the caller is gone", |call| call["caller_gone"] == true);
    ears(&mut [&mut desk.counsellor, &mut police], "K:P P:K");
    desk.counsellor.hang_up();
    police.is_hung_up();
    let record = desk.over();
    assert_eq!(record["released_by"], "caller", "{record}");
    assert_eq!(record["transfers"][0]["outcome"], "joined", "{record}");
}

#[test]
fn a_caller_who_hangs_up_while_police_ring_leaves_the_counsellor_to_them() {
    let (mut desk, mut police, ..) = desk();
    desk.press("110", "");
    desk.until_thirds(&["dialling"]);
    desk.caller.hang_up();
    desk.until("the caller is gone", |call| call["caller_gone"] == true);
    police.answer();
    desk.until_thirds(&["joined"]);
    ears(&mut [&mut desk.counsellor, &mut police], "K:P P:K");
    desk.counsellor.hang_up();
    police.is_hung_up();
    assert_eq!(desk.over()["transfers"][0]["outcome"], "joined");
}

#[test]
fn a_counsellor_who_drops_out_leaves_the_caller_with_police() {
    let (mut desk, mut police, mut second, _) = desk();
    desk.press("110", "");
    police.answer();
    desk.until_thirds(&["joined"]);
    desk.counsellor.hang_up();
    // The second line is called in by itself.
    second.answer();
    let Desk { caller, .. } = &mut desk;
    ears(&mut [caller, &mut police, &mut second], "C:PL P:CL L:CP");
    // Without the caller they stay together, until one of them hangs up.
    desk.caller.hang_up();
    ears(&mut [&mut police, &mut second], "P:L L:P");
    second.hang_up();
    police.is_hung_up();
    desk.over();
}

#[test]
fn a_caller_who_is_called_back_hears_the_others_and_is_heard_and_not_police_of_a_quiet_key() {
    for manner in ["warm", "quiet"] {
        // The caller's telephone is another one than it called by, with a tone of its own.
        let (police, phone) = (Party::new('P'), Party::new('L'));
        let mut plan = Plan::default();
        plan.trunk = format!("to = [\"{}\"]\n", police.address());
        plan.add_tables(&mobile(&phone.address().to_string()));
        plan.add_tables(KEYS.split("\n\n").next().unwrap());
        let mut desk = Desk::talking(plan);
        let (mut police, mut phone) = (police.towards(&desk.engine), phone.towards(&desk.engine));
        desk.says(json!({ "consent": true, "from": "00:00", "until": "24:00" }));
        desk.press("110", manner);
        police.answer();
        desk.until_thirds(&["joined"]);
        desk.caller.hang_up();
        desk.until("the caller is gone", |call| call["caller_gone"] == true);
        ears(&mut [&mut desk.counsellor, &mut police], "K:P P:K");
        assert_eq!(desk.ask("call-back", &json!({})).0, 202);
        let invite = phone.answer();
        assert_eq!(invite.called_user(), "13900000001");
        assert!(invite.header("From").unwrap().contains("sip:085112356@"));
        desk.until_thirds(&["joined", "joined"]);
        let expected = match manner {
            "warm" => "K:PL P:KL L:KP",
            _ => "K:PL P:KL L:K",
        };
        ears(
            &mut [&mut desk.counsellor, &mut police, &mut phone],
            expected,
        );
        assert_eq!(manner == "quiet", phone.never_heard('P'));
        desk.wish("thirds/2", json!({ "wish": "confirm" }));
        phone.hang_up();
        desk.until_thirds(&["joined"]);
        police.hang_up();
        desk.counsellor.is_hung_up();
        let record = desk.over();
        assert_eq!(record["call_back"]["reached"], true, "{record}");
        assert_eq!(desk.engine.get("/api/v1/tasks").json()["tasks"], json!([]));
    }
}
