//! The keys with SIPp as dispatch centre: each kind of key, each way in which it may fail. Caller and
//! counsellor talk the whole time, and are shown to hear each other.

use crate::desk::{Desk, Party, ears, mobile, pool};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use serde_json::{Value, json};

/// A key for police that has 5 s in all.
const POLICE: &str = "[[transfer.keys]]\nname = \"110\"\ntitle = \"police\"\nkind = \"emergency\"\n\
                      trunk = \"trunk\"\nring = \"5s\"\nlimit = \"5s\"\n";

/// A plan whose trunk leads to this port, with these tables.
fn leading_to(port: u16, tables: &[&str]) -> Plan {
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"127.0.0.1:{port}\"]\n");
    for table in tables {
        plan.add_tables(table);
    }
    plan
}

/// SIPp that plays this scenario where somebody is dialled.
fn target(engine: &Engine, scenario: &str, port: u16) -> Peer {
    Sipp::new(engine, scenario, Udp).at(port).listen(engine)
}

/// Outcome and status of a record's transfers.
fn outcomes(record: &Value) -> Vec<(&str, i64)> {
    let transfers = record["transfers"].as_array().into_iter().flatten();
    let outcome = |it: &Value| it["status"].as_i64().unwrap_or_default();
    transfers
        .map(|it| (it["outcome"].as_str().unwrap_or_default(), outcome(it)))
        .collect()
}

/// Waits until the key has failed and nobody of it is left; the alarms.
fn alarms(desk: &mut Desk) -> Value {
    let call = desk.until("an alarm", |call| call["alarms"] != json!([]));
    assert_eq!(call["thirds"], json!([]), "{call}");
    call["alarms"].clone()
}

/// As [`Desk::end`], of a call with an alarm.
fn end_alarmed(mut desk: Desk) -> Value {
    desk.hang_up();
    crate::stage::alarmed(&desk.engine)
}

#[test]
fn police_of_the_place_are_called_and_stay_with_the_counsellor_when_the_caller_is_gone() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "target_stays", port);
    assert_eq!(desk.press("110", ""), "0851110");
    let call = desk.until_thirds(&["joined"]);
    assert_eq!(call["phase"], "transferring", "{call}");
    assert_eq!(call["thirds"][0]["role"], "target", "{call}");
    desk.ears();
    desk.caller.hang_up();
    let call = desk.until("the caller is gone", |call| call["caller_gone"] == true);
    assert_eq!(call["thirds"][0]["state"], "joined", "{call}");
    desk.counsellor.hang_up();
    assert!(police.output().contains("called sip:0851110@"));
    police.succeeds(&desk.engine);
    let record = desk.over();
    assert_eq!(outcomes(&record), [("joined", 200)], "{record}");
    assert_eq!(record["released_by"], "caller", "{record}");
}

/// Police of Guiyang have a number of their own, before that which every place has.
const DIRECT: &str =
    "[[transfer.places]]\ncity = \"贵阳\"\nkey = \"110\"\nto = [\"085112345678\"]\n";

#[test]
fn a_busy_number_of_the_place_is_left_for_the_next() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE, DIRECT]));
    let police = Sipp::new(&desk.engine, "target_mostly_busy", Udp);
    let police = police.at(port).calls(2).listen(&desk.engine);
    assert_eq!(desk.press("110", ""), "085112345678");
    desk.until_thirds(&["joined"]);
    for number in ["085112345678", "0851110"] {
        let asked = format!("called sip:{number}@");
        assert!(police.output().contains(&asked), "{}", police.output());
    }
    police.hangs_up(&desk.engine);
    desk.until_thirds(&[]);
    desk.ears();
    let record = desk.end();
    let events = record["transfers"][0]["events"].as_array().unwrap();
    let dialled = events.iter().filter(|it| it["what"] == "dialling");
    let dialled: Vec<&Value> = dialled.map(|it| &it["detail"]).collect();
    assert_eq!(dialled, ["085112345678", "0851110"], "{record}");
    let tried = record["transfers"][0]["tried"].as_array().unwrap();
    let statuses: Vec<&Value> = tried.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [486, 200], "{record}");
}

#[test]
fn police_who_never_answer_are_an_alarm_with_the_number_to_dial_by_hand() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "seat_rings", port);
    desk.press("110", "");
    desk.until_thirds(&["dialling"]);
    let expected = json!([{ "third": 1, "key": "110", "number": "0851110" }]);
    assert_eq!(alarms(&mut desk), expected);
    police.succeeds(&desk.engine);
    desk.ears();
    desk.wish("alarms/seen", json!({}));
    assert_eq!(desk.call()["alarms"], json!([]));
    let record = end_alarmed(desk);
    assert_eq!(outcomes(&record)[0].0, "no_answer", "{record}");
}

#[test]
fn police_who_are_busy_everywhere_are_an_alarm() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "target_busy", port);
    desk.press("110", "");
    assert_eq!(alarms(&mut desk)[0]["number"], "0851110");
    police.succeeds(&desk.engine);
    desk.ears();
    assert_eq!(outcomes(&end_alarmed(desk)), [("failed", 486)]);
}

#[test]
fn police_behind_a_dead_trunk_are_an_alarm() {
    // Nobody is at this port.
    let mut desk = Desk::talking(leading_to(free_port(), &[POLICE]));
    desk.press("110", "");
    assert_eq!(alarms(&mut desk)[0]["number"], "0851110");
    desk.ears();
    let record = end_alarmed(desk);
    let transfer = &record["transfers"][0];
    assert_eq!(transfer["answered_ms"], Value::Null, "{transfer}");
    assert_ne!(transfer["outcome"], "joined", "{transfer}");
}

#[test]
fn police_who_hang_up_leave_caller_and_counsellor_together() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "target_goes", port);
    desk.press("110", "");
    desk.until_thirds(&["joined"]);
    police.hangs_up(&desk.engine);
    desk.until_thirds(&[]);
    desk.ears();
    // Reached they were: there is nothing to dial by hand.
    assert_eq!(desk.call()["alarms"], json!([]));
    assert_eq!(outcomes(&desk.end()), [("joined", 200)]);
}

#[test]
fn police_who_answer_as_the_key_is_taken_back_are_hung_up_on() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "seat_crosses", port);
    desk.press("110", "");
    desk.until_thirds(&["dialling"]);
    desk.wish("thirds/1", json!({ "wish": "cancel" }));
    desk.until_thirds(&[]);
    // ACK and BYE stand in the scenario.
    police.succeeds(&desk.engine);
    desk.ears();
    assert_eq!(desk.call()["alarms"], json!([]));
    assert_eq!(outcomes(&desk.end())[0].0, "cancelled");
}

/// A key of each kind that dials.
const DIALLING: &str = r#"
[[transfer.keys]]
name = "120"
title = "ambulance"
kind = "emergency"
trunk = "trunk"

[[transfer.keys]]
name = "12345"
title = "government"
kind = "hotline"
trunk = "trunk"

[[transfer.keys]]
name = "clinic"
title = "clinic"
kind = "clinic"
to = ["085187654321"]
trunk = "trunk"

[[transfer.keys]]
name = "friend"
title = "friend"
kind = "number"
to = ["13800138000"]
trunk = "trunk"
"#;

#[test]
fn each_kind_of_key_that_dials_reaches_its_number() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[DIALLING]));
    let keys = [
        ("120", "0851120"),
        ("12345", "085112345"),
        ("clinic", "085187654321"),
        ("friend", "13800138000"),
    ];
    for (key, number) in keys {
        let target = target(&desk.engine, "target_goes", port);
        assert_eq!(desk.press(key, ""), number);
        let call = desk.until_thirds(&["joined"]);
        assert_eq!(call["thirds"][0]["key"], key, "{call}");
        let asked = format!("called sip:{number}@");
        assert!(target.output().contains(&asked), "{}", target.output());
        target.hangs_up(&desk.engine);
        desk.until_thirds(&[]);
    }
    let record = desk.end();
    assert_eq!(outcomes(&record), [("joined", 200); 4], "{record}");
}

/// Keys that call telephones of other pools through the queue.
const SEATS: &str = r#"
[[transfer.keys]]
name = "second"
title = "second line"
kind = "second_line"
pool = "second"

[[transfer.keys]]
name = "supervisor"
title = "supervisor"
kind = "supervisor"
pool = "supervisors"
"#;

#[test]
fn second_line_and_supervisor_come_from_pools_of_their_own() {
    let (second, supervisor) = (Party::new('L'), Party::new('V'));
    let mut plan = Plan::default();
    plan.add_tables(&pool("second", &second, "ready"));
    plan.add_tables(&pool("supervisors", &supervisor, "ready"));
    plan.add_tables(SEATS);
    let mut desk = Desk::talking(plan);
    let mut second = second.towards(&desk.engine);
    let mut supervisor = supervisor.towards(&desk.engine);
    desk.press("second", "");
    second.answer();
    let call = desk.until_thirds(&["joined"]);
    assert_eq!(call["thirds"][0]["role"], "second_line", "{call}");
    desk.press("supervisor", "");
    supervisor.answer();
    let call = desk.until_thirds(&["joined", "joined"]);
    assert_eq!(call["thirds"][1]["role"], "supervisor", "{call}");
    ears(
        &mut [
            &mut desk.caller,
            &mut desk.counsellor,
            &mut second,
            &mut supervisor,
        ],
        "C:KLV K:CLV L:CKV V:CKL",
    );
    supervisor.hang_up();
    second.hang_up();
    desk.until_thirds(&[]);
    assert_eq!(outcomes(&desk.end()), [("joined", 200); 2]);
}

#[test]
fn whatever_is_no_key_is_refused_and_nobody_is_called() {
    let port = free_port();
    let desk = Desk::talking(leading_to(port, &[DIALLING]));
    for key in [
        "110",
        "13800138000",
        "085187654321",
        "*120",
        "sip:1@127.0.0.1",
    ] {
        let (status, body) = desk.ask("transfer", &json!({ "key": key, "place": "贵阳" }));
        assert_eq!(status, 422, "{key}: {body}");
        assert_eq!(body["error"]["code"], "unknown_key", "{key}");
    }
    let invites = [("direction", "sent"), ("method", "INVITE")];
    let page = desk.engine.metrics();
    let sent = page.sum("meishier_sip_requests_total", &invites);
    assert_eq!(sent, 1.0, "the counsellor's alone");
    assert_eq!(outcomes(&desk.end()), []);
}

/// A clinic that may be called blindly.
const BLIND: &str = "[[transfer.keys]]\nname = \"clinic\"\ntitle = \"clinic\"\nkind = \"clinic\"\n\
                     to = [\"085187654321\"]\ntrunk = \"trunk\"\nmanner = [\"warm\", \"blind\"]\n";

#[test]
fn a_blind_transfer_that_fails_brings_the_caller_back() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[BLIND]));
    let clinic = target(&desk.engine, "target_busy", port);
    desk.press("clinic", "blind");
    desk.counsellor.is_hung_up();
    clinic.succeeds(&desk.engine);
    // The caller has the line still, and is offered to the counsellor again.
    desk.counsellor.answer();
    desk.ears();
    assert_eq!(outcomes(&desk.end()), [("failed", 486)]);
}

#[test]
fn no_emergency_is_blind_and_no_key_runs_twice() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "seat_rings", port);
    let refused = |desk: &Desk, wish: Value| {
        let (status, body) = desk.ask("transfer", &wish);
        (status, body["error"]["code"].clone())
    };
    let blind = json!({ "key": "110", "place": "贵阳", "manner": "blind" });
    assert_eq!(refused(&desk, blind), (422, json!("manner_not_allowed")));
    desk.press("110", "");
    let again = json!({ "key": "110", "place": "贵阳" });
    assert_eq!(refused(&desk, again), (409, json!("transfer_running")));
    desk.wish("thirds/1", json!({ "wish": "cancel" }));
    desk.until_thirds(&[]);
    police.succeeds(&desk.engine);
    desk.ears();
    assert_eq!(outcomes(&desk.end()).len(), 1);
}

#[test]
fn a_place_that_several_share_is_asked_for_and_the_one_that_is_settled_is_dialled() {
    let port = free_port();
    let mut desk = Desk::talking(leading_to(port, &[POLICE]));
    let police = target(&desk.engine, "target_goes", port);
    let (status, body) = desk.ask("transfer", &json!({ "key": "110", "place": "鼓楼区" }));
    assert_eq!(status, 202, "{body}");
    assert!(
        body["asks"]["cities"].as_array().unwrap().len() > 1,
        "{body}"
    );
    desk.until_thirds(&["asking"]);
    desk.wish("thirds/1", json!({ "wish": "settle", "city": "江苏南京" }));
    desk.until_thirds(&["joined"]);
    let output = police.output();
    assert!(output.contains("called sip:025110@"), "{output}");
    police.hangs_up(&desk.engine);
    desk.until_thirds(&[]);
    desk.ears();
    let record = desk.end();
    assert_eq!(record["transfers"][0]["dialled"], "025110", "{record}");
}

#[test]
fn a_caller_who_hangs_up_while_police_are_there_is_called_back_at_the_trunk() {
    let (at_police, at_caller) = (free_port(), free_port());
    let mut desk = Desk::talking(leading_to(
        at_police,
        &[POLICE, &mobile(&format!("127.0.0.1:{at_caller}"))],
    ));
    let police = target(&desk.engine, "target_stays", at_police);
    desk.press("110", "");
    desk.until_thirds(&["joined"]);
    let refused = |desk: &Desk| {
        let (status, body) = desk.ask("call-back", &json!({}));
        (status, body["error"]["code"].clone())
    };
    assert_eq!(refused(&desk), (409, json!("caller_there")));
    desk.caller.hang_up();
    desk.until("the caller is gone", |call| call["caller_gone"] == true);
    // Nobody is dialled before the caller's consent stands in the record.
    let caller = target(&desk.engine, "target_goes", at_caller);
    assert_eq!(refused(&desk), (403, json!("no_consent")));
    // Safe at whatever time the test runs.
    desk.says(json!({ "consent": true, "from": "00:00", "until": "24:00" }));
    assert_eq!(desk.call()["call_back"]["state"], "allowed");
    let (status, body) = desk.ask("call-back", &json!({}));
    assert_eq!(status, 202, "{body}");
    assert_eq!(body["dialled"], "139****0001", "{body}");
    assert_eq!(body["words"][3]["id"], "another", "{body}");
    let call = desk.until_thirds(&["joined", "joined"]);
    assert_eq!(call["thirds"][1]["role"], "caller", "{call}");
    assert_eq!(call["thirds"][1]["dialled"], "139****0001", "{call}");
    // Whoever answered hangs up, and nobody has said that it was the caller.
    let output = caller.output();
    assert!(output.contains("called sip:13900000001@"), "{output}");
    caller.hangs_up(&desk.engine);
    desk.until_thirds(&["joined"]);
    desk.counsellor.hang_up();
    police.succeeds(&desk.engine);
    let record = desk.over();
    assert_eq!(outcomes(&record), [("joined", 200); 2], "{record}");
    assert_eq!(record["call_back"]["reached"], false, "{record}");
    assert!(!record.to_string().contains("13900000001"), "{record}");
    let tasks = desk.engine.get("/api/v1/tasks").json();
    assert_eq!(tasks["tasks"][0]["kind"], "call_back", "{tasks}");
}
