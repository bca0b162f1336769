//! Two phones call each other over loopback, without the engine.

mod common;

use common::{CALLER_HZ, LIMIT, SEAT_HZ, SECOND, pair};
use meishier_phones::sdp::Direction;
use meishier_phones::{Behaviour, Dial, EndedBy, Phase};
use std::time::Duration;

#[tokio::test]
async fn both_hear_each_others_tone() {
    let pair = pair(Behaviour::answer_after(Duration::from_millis(50))).await;
    let call = pair.dial().await;
    assert!(call.wait_ringing(LIMIT).await);
    assert!(call.wait_answered(LIMIT).await);
    let answered = pair.callee.next_call().await.unwrap();
    assert_eq!(answered.remote_user(), "13300001111");
    assert_eq!(answered.dialled(), "12356");
    assert!(call.wait_heard(SEAT_HZ, SECOND, LIMIT).await);
    assert!(answered.wait_heard(CALLER_HZ, SECOND, LIMIT).await);
    // Nobody hears itself, nor a tone that was not sent.
    assert_eq!(call.heard(CALLER_HZ), Duration::ZERO);
    assert_eq!(answered.heard(SEAT_HZ), Duration::ZERO);
    assert_eq!(call.hearing().sound_before_answer_ms, 0);
    call.hang_up().await;
    let end = call.ended().await;
    assert_eq!((end.by, end.status), (EndedBy::Local, 200));
    assert_eq!(answered.ended().await.by, EndedBy::Remote);
    assert!(answered.status().confirmed);
}

#[tokio::test]
async fn callee_hangs_up_after_its_talk_time() {
    let talk = Some(Duration::from_millis(300));
    let pair = pair(Behaviour::Answer {
        after: Duration::ZERO,
        talk,
        early_media: false,
    })
    .await;
    let call = pair.dial().await;
    let end = call.ended().await;
    assert_eq!(end.by, EndedBy::Remote);
    assert!(call.status().answered_at.is_some());
}

#[tokio::test]
async fn early_media_is_heard_before_the_answer() {
    let pair = pair(Behaviour::Manual).await;
    let call = pair.dial().await;
    let incoming = pair.callee.next_call().await.unwrap();
    incoming.early_media().await;
    assert!(
        call.wait_heard(SEAT_HZ, Duration::from_millis(500), LIMIT)
            .await
    );
    assert_eq!(call.status().phase, Phase::Ringing);
    assert_eq!(call.status().provisional, 183);
    incoming.answer().await;
    assert!(call.wait_answered(LIMIT).await);
    assert!(call.hearing().sound_before_answer_ms >= 500);
    call.hang_up().await;
    call.ended().await;
}

#[tokio::test]
async fn caller_cancels_while_it_rings() {
    let pair = pair(Behaviour::Ignore).await;
    let call = pair.dial().await;
    assert!(call.wait_ringing(LIMIT).await);
    call.hang_up().await;
    let end = call.ended().await;
    assert_eq!((end.by, end.status), (EndedBy::Local, 487));
    let incoming = pair.callee.next_call().await.unwrap();
    let end = incoming.ended().await;
    assert_eq!((end.by, end.status), (EndedBy::Remote, 487));
}

#[tokio::test]
async fn cancel_before_any_response_waits_for_one() {
    let pair = pair(Behaviour::Ignore).await;
    let call = pair.dial().await;
    call.hang_up().await;
    assert_eq!(call.ended().await.status, 487);
}

#[tokio::test]
async fn refusals_reach_the_caller() {
    for status in [486, 480, 603] {
        let pair = pair(Behaviour::Reject {
            status,
            after: Duration::from_millis(20),
        })
        .await;
        let call = pair.dial().await;
        assert!(!call.wait_answered(LIMIT).await);
        let end = call.ended().await;
        assert_eq!((end.by, end.status), (EndedBy::Remote, status));
    }
}

#[tokio::test]
async fn a_phone_in_a_call_is_busy() {
    let pair = pair(Behaviour::answer_after(Duration::ZERO)).await;
    let call = pair.dial().await;
    assert!(call.wait_answered(LIMIT).await);
    let second = pair.dial().await;
    assert_eq!(second.ended().await.status, 486);
    call.hang_up().await;
    call.ended().await;
    let third = pair.dial().await;
    assert!(third.wait_answered(LIMIT).await);
}

#[tokio::test]
async fn an_unknown_number_is_refused() {
    let pair = pair(Behaviour::Ignore).await;
    let call = pair
        .caller
        .dial(Dial::new(pair.bank.address(), "000"))
        .await
        .unwrap();
    assert_eq!(call.ended().await.status, 404);
}

#[tokio::test]
async fn reinvite_holds_and_resumes() {
    let pair = pair(Behaviour::answer_after(Duration::ZERO)).await;
    let call = pair.dial().await;
    assert!(call.wait_heard(SEAT_HZ, SECOND, LIMIT).await);
    let incoming = pair.callee.next_call().await.unwrap();
    assert_eq!(call.reinvite(Direction::SendOnly).await, 200);
    // Everything that was under way is heard by now: on hold nothing more is sent.
    let sent = incoming.hearing().packets_out;
    assert!(incoming.wait_heard(CALLER_HZ, 2 * SECOND, LIMIT).await);
    assert!(incoming.hearing().packets_out <= sent + 1);
    assert_eq!(call.reinvite(Direction::SendRecv).await, 200);
    let before = call.heard(SEAT_HZ);
    assert!(call.wait_heard(SEAT_HZ, before + SECOND, LIMIT).await);
    assert_eq!(incoming.status().reinvites, 2);
    assert_eq!(incoming.reinvite(Direction::SendRecv).await, 200);
    incoming.hang_up().await;
    assert_eq!(call.ended().await.by, EndedBy::Remote);
    assert_eq!(call.reinvite(Direction::SendRecv).await, 481);
}

#[tokio::test]
async fn a_muted_phone_is_not_heard() {
    let pair = pair(Behaviour::answer_after(Duration::ZERO)).await;
    pair.callee.set_muted(true);
    let call = pair.dial().await;
    let incoming = pair.callee.next_call().await.unwrap();
    assert!(incoming.wait_heard(CALLER_HZ, SECOND, LIMIT).await);
    assert_eq!(call.heard(SEAT_HZ), Duration::ZERO);
    assert_eq!(call.hearing().packets_in, 0);
    incoming.set_muted(false);
    assert!(call.wait_heard(SEAT_HZ, SECOND, LIMIT).await);
}

#[tokio::test]
async fn digits_are_received_once_each() {
    let pair = pair(Behaviour::answer_after(Duration::ZERO)).await;
    let call = pair.dial().await;
    let incoming = pair.callee.next_call().await.unwrap();
    assert!(call.wait_answered(LIMIT).await);
    call.send_digits("12*#3355D");
    assert!(incoming.wait_hearing(LIMIT, |h| h.digits.len() == 9).await);
    assert_eq!(incoming.hearing().digits, "12*#3355D");
}

#[tokio::test]
async fn options_are_answered() {
    let pair = pair(Behaviour::Ignore).await;
    assert_eq!(pair.caller.options(pair.bank.address()).await, Some(200));
}
