//! Session timers (RFC 4028): what is agreed, who refreshes, and what ends without it.

mod wire;

use meishier_model::{LegId, Mono};
use meishier_signaling::message::{HeaderName, Message};
use meishier_signaling::session_timer::{
    self, Claimed, Refresher, SessionAction, SessionState, SessionTimer, Verdict, judge,
};
use meishier_signaling::{Event, LegState, Terms};
use std::time::Duration;
use wire::*;

const SECOND: Duration = Duration::from_secs(1);
const ALLOW: &str = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n";

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn terms(session: Option<u64>) -> Terms {
    Terms {
        session: session.map(s),
        ..Terms::default()
    }
}

#[test]
fn values_are_read_as_the_grammar_says() {
    use Refresher::{Uac, Uas};
    for (text, expected) in [
        ("1800", Some((s(1800), None))),
        ("1800;refresher=uac", Some((s(1800), Some(Uac)))),
        (" 90 ; x=y ; Refresher = UAS", Some((s(90), Some(Uas)))),
        ("90;refresher=nobody", Some((s(90), None))),
        ("99999999999999999999999", Some((s(86_400), None))),
        ("", None),
        ("-5", None),
        ("1.5", None),
        (";refresher=uac", None),
    ] {
        assert_eq!(session_timer::parse(text), expected, "{text:?}");
    }
}

/// RFC 4028 §9 with its Table 2: (supports, asked, refresher, Min-SE, ours) and what goes into the 2xx.
#[test]
fn the_called_side_decides_as_table_2_says() {
    use Refresher::{Uac, Uas};
    let timed = |interval, refresher, require| Verdict::Timed {
        interval: s(interval),
        refresher,
        require,
    };
    let table = [
        ((false, None, None, 0, None), Verdict::Untimed),
        ((true, None, None, 0, None), Verdict::Untimed),
        ((false, None, None, 0, Some(1800)), timed(1800, Uas, false)),
        ((true, None, None, 0, Some(1800)), timed(1800, Uas, true)),
        ((true, None, None, 2400, Some(1800)), timed(2400, Uas, true)),
        ((false, Some(600), None, 0, None), timed(600, Uas, false)),
        ((true, Some(600), None, 0, None), timed(600, Uac, true)),
        ((true, Some(600), Some(Uac), 0, None), timed(600, Uac, true)),
        ((true, Some(600), Some(Uas), 0, None), timed(600, Uas, true)),
        ((true, Some(600), None, 0, Some(300)), timed(300, Uac, true)),
        (
            (true, Some(600), None, 400, Some(300)),
            timed(400, Uac, true),
        ),
        (
            (true, Some(600), None, 0, Some(1800)),
            timed(600, Uac, true),
        ),
        ((true, Some(89), None, 0, None), Verdict::TooShort),
        ((false, Some(89), None, 0, None), Verdict::Untimed),
    ];
    for ((supports, expires, refresher, least, ours), expected) in table {
        let claimed = Claimed {
            expires: expires.map(s),
            refresher,
            least: s(least),
            supports,
        };
        assert_eq!(
            judge(claimed, ours.map(s)),
            expected,
            "{claimed:?} {ours:?}"
        );
    }
}

#[test]
fn the_machine_follows_its_diagram() {
    let at = |seconds: u64| Mono(seconds * 1_000_000);
    let mut timer = SessionTimer::default();
    assert_eq!((timer.state(), timer.deadline()), (SessionState::Off, None));
    timer.agree(at(0), s(1800), true);
    assert_eq!(timer.deadline(), Some(at(900)), "§7.2: half of it");
    assert_eq!(timer.on_timeout(at(900)), SessionAction::Refresh);
    assert_eq!(timer.deadline(), Some(at(1768)), "§10: 32 s before");
    timer.retry(at(900), s(3));
    assert_eq!(timer.on_timeout(at(903)), SessionAction::Refresh);
    timer.agree(at(904), s(90), false);
    assert_eq!(timer.state(), SessionState::Waiting);
    assert_eq!(
        timer.deadline(),
        Some(at(964)),
        "§10: a third of 90 s is shorter"
    );
    timer.retry(at(905), s(3));
    assert_eq!(timer.deadline(), Some(at(964)), "not ours to refresh");
    assert_eq!(timer.on_timeout(at(963)), SessionAction::Nothing);
    assert_eq!(timer.on_timeout(at(964)), SessionAction::Expire);
    assert_eq!((timer.state(), timer.deadline()), (SessionState::Off, None));
}

// ---- called

fn up(b: &mut Bench, headers: &str, ours: Terms) -> (Caller, LegId, Message) {
    let mut caller = Caller::new(1);
    b.receive(&caller.request("INVITE", &caller.branch, headers, OFFER));
    let leg = b.incoming();
    b.end.set_terms(b.now, leg, ours).unwrap();
    b.end.answer(b.now, leg, ANSWER.as_bytes()).unwrap();
    b.drain();
    let ok = b.last().clone();
    caller.learn(&ok);
    b.receive(&caller.ack(true));
    b.sent.clear();
    b.events.clear();
    (caller, leg, ok)
}

#[test]
fn a_caller_that_does_not_refresh_is_hung_up_in_time() {
    let mut b = Bench::udp();
    let (mut caller, _, ok) = up(
        &mut b,
        "Supported: timer\r\nSession-Expires: 600\r\n",
        terms(None),
    );
    assert_eq!(
        ok.header(HeaderName::SessionExpires),
        Some("600;refresher=uac")
    );
    assert_eq!(ok.header(HeaderName::Require), Some("timer"));
    b.pass(s(500));
    b.receive(&caller.next(
        "UPDATE",
        "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n",
        "",
    ));
    assert_eq!(
        b.last().header(HeaderName::SessionExpires),
        Some("600;refresher=uac")
    );
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
    b.pass(s(567));
    assert!(b.take_sent().is_empty());
    b.pass(SECOND);
    assert_eq!(b.take_sent(), ["BYE"]);
    assert_eq!(b.take_events(), ["Ended Expired"]);
}

#[test]
fn the_refresher_changes_with_a_refresh() {
    let mut b = Bench::udp();
    let headers = format!("{ALLOW}Supported: timer\r\nSession-Expires: 600\r\n");
    let (mut caller, _, _) = up(&mut b, &headers, terms(None));
    b.pass(s(100));
    b.receive(&caller.next(
        "UPDATE",
        "Supported: timer\r\nSession-Expires: 400;refresher=uas\r\n",
        "",
    ));
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
    b.pass(s(200));
    let update = b.last().clone();
    assert_eq!(b.take_sent(), ["UPDATE"], "ours now, after half of it");
    assert_eq!(
        update.header(HeaderName::SessionExpires),
        Some("400;refresher=uac")
    );
    assert!(update.body().is_empty());
    // And back: the answer says who.
    b.receive(&reply(
        &update,
        200,
        "",
        "Session-Expires: 400;refresher=uas\r\n",
        "",
    ));
    b.pass(s(360));
    assert!(b.take_sent().is_empty());
    b.pass(s(20));
    assert_eq!(b.take_sent()[0], "BYE");
}

#[test]
fn without_update_the_session_is_refreshed_by_the_same_description() {
    let mut b = Bench::udp();
    let (_, _, ok) = up(&mut b, "", terms(Some(1800)));
    assert_eq!(
        ok.header(HeaderName::SessionExpires),
        Some("1800;refresher=uas")
    );
    assert_eq!(
        ok.header(HeaderName::Require),
        None,
        "it does not know the timer"
    );
    b.pass(s(900));
    let again = b.last().clone();
    assert_eq!(b.take_sent(), ["INVITE"]);
    assert_eq!(again.body(), ANSWER.as_bytes(), "§7.4: nothing changes");
    assert_eq!(
        again.header(HeaderName::SessionExpires),
        Some("1800;refresher=uac")
    );
    b.receive(&reply(
        &again,
        200,
        "",
        "Contact: <sip:x@192.0.2.9:5070>\r\n",
        OFFER,
    ));
    assert_eq!(b.take_sent(), ["ACK"]);
    assert_eq!(b.take_events(), ["OfferAnswered"], "and nothing else");
    b.pass(s(900));
    assert_eq!(b.take_sent()[0], "INVITE", "§7.2: we go on, timer or not");
    b.pass(s(60));
    // No answer at all: the dialog is gone.
    assert!(b.take_sent().contains(&"BYE".to_owned()));
    assert_eq!(b.take_events(), ["Ended Lost"]);
}

#[test]
fn too_short_an_interval_gets_422_within_the_dialog_and_without() {
    let terms = terms(None);
    let short = "Supported: timer\r\nSession-Expires: 60\r\n";
    let mut b = Bench::udp();
    let (mut caller, leg, _) = up(&mut b, "Supported: timer\r\n", terms);
    for method in ["INVITE", "UPDATE"] {
        b.receive(&caller.next(method, short, OFFER));
        assert_eq!(b.last().header(HeaderName::MinSe), Some("90"));
        assert_eq!(b.take_sent(), [format!("422 {method}")]);
    }
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));

    let mut b = Bench::udp();
    let caller = Caller::new(1);
    b.receive(&caller.request("INVITE", &caller.branch, short, OFFER));
    let Some(Event::Invite { request, .. }) = b.events.last() else {
        panic!("an INVITE came");
    };
    let unfit = terms.admit(request).unwrap_err();
    assert_eq!((unfit.status, unfit.header), (422, ("Min-SE", "90")));
}

// ---- calling

fn call(b: &mut Bench, session: Option<u64>) -> (LegId, Message) {
    let mut new = invite(b.flow);
    new.terms = terms(session);
    let leg = b.end.invite(b.now, new).unwrap();
    b.drain();
    let invite = b.last().clone();
    b.sent.clear();
    (leg, invite)
}

fn answered(b: &mut Bench, invite: &Message, headers: &str) {
    let headers = format!("Contact: <sip:a@192.0.2.9:5070>\r\n{headers}");
    b.receive(&reply(invite, 200, "a", &headers, ANSWER));
    assert_eq!(b.take_sent(), ["ACK"]);
    assert_eq!(b.take_events(), ["Answered sdp"]);
}

#[test]
fn a_callee_without_the_timer_is_refreshed_by_us_and_one_with_it_does_it_itself() {
    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, Some(1800));
    assert_eq!(invite.header(HeaderName::SessionExpires), Some("1800"));
    assert_eq!(invite.header(HeaderName::MinSe), Some("90"));
    answered(&mut b, &invite, ALLOW);
    b.pass(s(900));
    assert_eq!(b.take_sent(), ["UPDATE"]);

    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, Some(1800));
    answered(
        &mut b,
        &invite,
        "Require: timer\r\nSession-Expires: 1200;refresher=uas\r\n",
    );
    b.pass(s(1167));
    assert!(b.take_sent().is_empty());
    b.pass(SECOND);
    assert_eq!(b.take_sent(), ["BYE"]);
    assert_eq!(b.take_events(), ["Ended Expired"]);

    // Who asks for nothing and gets nothing waits for nothing.
    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, None);
    assert_eq!(invite.header(HeaderName::SessionExpires), None);
    answered(&mut b, &invite, "");
    b.pass(s(100_000));
    assert!(b.take_sent().is_empty());
}

#[test]
fn an_interval_too_short_is_made_longer_as_the_422_says() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, Some(100));
    b.receive(&reply(&invite, 422, "a", "Min-SE: 600\r\n", ""));
    let again = b.last().clone();
    assert_eq!(b.take_sent(), ["ACK", "INVITE"]);
    assert_eq!(again.call_id(), invite.call_id());
    assert_eq!((again.cseq().0, again.to_tag()), (2, None));
    assert_eq!(again.from_tag(), invite.from_tag());
    assert_eq!(again.header(HeaderName::SessionExpires), Some("600"));
    assert_eq!(again.header(HeaderName::MinSe), Some("600"));
    assert_eq!(again.raw_header("X-Call"), invite.raw_header("X-Call"));
    assert_eq!(again.body(), invite.body());
    assert!(b.take_events().is_empty());
    answered(&mut b, &again, "Session-Expires: 600;refresher=uac\r\n");
    assert_eq!(b.end.leg_state(leg), Some(LegState::Confirmed));

    // One that does not ask for more is a refusal.
    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, Some(100));
    b.receive(&reply(&invite, 422, "a", "Min-SE: 90\r\n", ""));
    assert_eq!(b.take_events(), ["Failed 422", "Gone"]);

    // Nor does it go on for ever.
    let mut b = Bench::udp();
    let (_, mut invite) = call(&mut b, Some(100));
    for least in [200, 300, 400] {
        b.receive(&reply(
            &invite,
            422,
            "a",
            &format!("Min-SE: {least}\r\n"),
            "",
        ));
        invite = b.last().clone();
    }
    assert_eq!(b.take_events(), ["Failed 422", "Gone"]);
}

#[test]
fn what_refuses_a_refresh_is_met_each_in_its_way() {
    for (status, headers, then) in [
        (491, "", "UPDATE"),
        (500, "Retry-After: 1\r\n", "UPDATE"),
        (422, "Min-SE: 2000\r\n", "UPDATE"),
        (405, "", "INVITE"),
        (501, "", "INVITE"),
        (481, "", "BYE"),
        (408, "", "BYE"),
    ] {
        let mut b = Bench::udp();
        let (_, invite) = call(&mut b, Some(1800));
        let agreed = format!("{ALLOW}Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n");
        answered(&mut b, &invite, &agreed);
        b.pass(s(900));
        let update = b.last().clone();
        b.sent.clear();
        b.receive(&reply(&update, status, "", headers, ""));
        b.pass(s(4));
        let next = b.sent.first().unwrap().clone();
        assert_eq!(title(&next), then, "{status}");
        if status == 422 {
            assert_eq!(
                next.header(HeaderName::SessionExpires),
                Some("2000;refresher=uac")
            );
        }
        let lost = b.take_events();
        assert_eq!(lost.is_empty(), then != "BYE", "{status} {lost:?}");
    }
}

#[test]
fn who_knows_no_timer_is_not_hung_up_on_for_refusing_refreshes() {
    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, Some(1800));
    answered(&mut b, &invite, ALLOW);
    b.sent.clear();
    for _ in 0..8 {
        b.pass(s(900));
        let update = b.last().clone();
        assert_eq!(title(&update), "UPDATE");
        b.receive(&reply(&update, 488, "", "", ""));
    }
    assert_eq!(
        b.take_sent(),
        vec!["UPDATE"; 8],
        "one in each half of the time, and no BYE"
    );
    assert!(b.take_events().is_empty());
}

#[test]
fn a_refresh_waits_for_a_change_that_is_under_way() {
    let mut b = Bench::udp();
    let headers = format!("{ALLOW}Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n");
    let (mut caller, leg, _) = up(&mut b, &headers, terms(None));
    b.pass(s(44));
    b.receive(&caller.next("UPDATE", "", OFFER));
    b.sent.clear();
    b.pass(s(2));
    assert!(b.take_sent().is_empty());
    b.end
        .answer_reinvite(b.now, leg, ANSWER.as_bytes())
        .unwrap();
    b.drain();
    assert_eq!(
        b.last().header(HeaderName::SessionExpires),
        None,
        "§7.4: a change without it ends it"
    );
    b.pass(s(1000));
    assert_eq!(b.take_sent(), ["200 UPDATE"]);
}

#[test]
fn a_leg_written_out_long_after_its_last_message_is_refreshed_in_time() {
    let mut b = Bench::udp();
    let headers = format!("{ALLOW}Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n");
    let (_, leg, _) = up(&mut b, &headers, terms(None));
    // Nothing was handled since.
    let moment = b.now + s(200);
    let kept = b.end.snapshot(moment, leg).unwrap();
    let mut next = Bench::udp();
    next.now = moment;
    next.end.restore(next.now, kept).unwrap();
    next.pass(s(99));
    assert!(next.take_sent().is_empty());
    next.pass(SECOND);
    assert_eq!(next.take_sent(), ["UPDATE"]);
}

#[test]
fn a_restored_leg_keeps_its_time() {
    let mut b = Bench::udp();
    let headers = format!("{ALLOW}Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n");
    let (_, leg, _) = up(&mut b, &headers, terms(None));
    b.pass(s(200));
    let kept = b.end.snapshot(b.now, leg).unwrap();
    let text = serde_json::to_string(&kept).unwrap();
    let mut next = Bench::udp();
    next.now = ms(77_000_000);
    next.end
        .restore(next.now, serde_json::from_str(&text).unwrap())
        .unwrap();
    next.pass(s(99));
    assert!(next.take_sent().is_empty());
    next.pass(SECOND);
    assert_eq!(next.take_sent(), ["UPDATE"]);
    next.pass(s(33));
    assert!(
        next.take_sent().contains(&"BYE".to_owned()),
        "nobody answers"
    );
}

#[test]
fn what_a_refresh_is_answered_with_holds() {
    let mut b = Bench::udp();
    let (leg, invite) = call(&mut b, Some(600));
    answered(&mut b, &invite, "");
    b.pass(s(300));
    let again = b.last().clone();
    assert_eq!(b.take_sent(), ["INVITE"]);
    // The telephone has moved, and holds us.
    let moved = ANSWER.replace("audio 5000", "audio 5400") + "a=sendonly\r\n";
    let contact = "Contact: <sip:b@192.0.2.9:5070>\r\n";
    b.receive(&reply(&again, 200, "", contact, &moved));
    assert_eq!(b.take_sent(), ["ACK"]);
    assert_eq!(b.take_events(), ["OfferAnswered"]);
    assert_eq!(b.end.take_ack_sdp(leg), Some(moved.into_bytes()));
    // A refresh by UPDATE describes nothing, and changes nothing.
    let mut b = Bench::udp();
    let (_, invite) = call(&mut b, Some(600));
    answered(&mut b, &invite, ALLOW);
    b.pass(s(300));
    let update = b.last().clone();
    b.receive(&reply(&update, 200, "", "", ""));
    assert!(b.take_events().is_empty());
}
