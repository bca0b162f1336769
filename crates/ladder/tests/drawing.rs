//! Whole drawings, compared with files that a person looked at.

use meishier_ladder::Ladder;
use std::time::Duration;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn assert_drawn(ladder: &Ladder, golden: &str) {
    let drawn = ladder.to_string();
    assert!(drawn == golden, "drawn:\n{drawn}\nwanted:\n{golden}");
}

#[test]
fn an_answered_call() {
    let mut ladder = Ladder::new();
    // A day and more after the simulation began: the drawing counts from the call's first step.
    ladder.message(ms(86_400_000), "caller", "engine", "INVITE sdp");
    ladder.message(ms(86_400_001), "engine", "s01", "INVITE sdp");
    ladder.message(ms(86_400_001), "engine", "caller", "100 (INVITE)");
    ladder.message(ms(86_401_204), "s01", "engine", "180 (INVITE)");
    ladder.message(ms(86_405_900), "s01", "engine", "200 (INVITE) sdp");
    ladder.note(ms(86_405_900), "engine", "talking");
    ladder.message(ms(86_405_901), "engine", "caller", "200 (INVITE) sdp");
    ladder.message(ms(87_400_000), "caller", "engine", "BYE");
    assert_drawn(&ladder, include_str!("golden/answered.txt"));
}

#[test]
fn lost_messages_end_in_an_x_and_order_is_by_time() {
    let mut ladder = Ladder::new();
    ladder.party("s02");
    ladder.party("engine");
    ladder.lost(ms(20), "engine", "s02", "200 (BYE)");
    ladder.lost(ms(10), "s02", "engine", "BYE");
    ladder.message(ms(20), "s02", "engine", "");
    ladder.note(ms(20), "s02", "without a label, just now");
    assert_drawn(&ladder, include_str!("golden/lost.txt"));
}

#[test]
fn wide_labels_are_cut_and_long_arrows_pass_over_columns() {
    let mut ladder = Ladder::new();
    for party in ["caller", "engine", "s01", "police"] {
        ladder.party(party);
    }
    let long = "a label that is wider than any column may be";
    ladder.message(ms(0), "caller", "engine", long);
    ladder.message(ms(0), "engine", "caller", long);
    ladder.message(ms(1), "caller", "police", long);
    ladder.lost(ms(2), "police", "engine", "200 (INVITE)");
    assert_drawn(&ladder, include_str!("golden/wide.txt"));
}

#[test]
fn chinese_labels_take_two_cells_a_character() {
    let mut ladder = Ladder::new();
    ladder.message(ms(0), "来电", "引擎", "INVITE sdp");
    ladder.message(ms(1), "引擎", "座席一", "邀请（含媒体）");
    ladder.note(ms(2), "引擎", "通话中");
    ladder.message(ms(3), "座席一", "引擎", "非常非常非常非常长的一个标签");
    assert_drawn(&ladder, include_str!("golden/chinese.txt"));
}

#[test]
fn a_stranger_cannot_steer_the_terminal() {
    let mut ladder = Ladder::new();
    ladder.message(ms(0), "a\u{1b}[2J", "b", "BYE\r\n\u{7}\u{9b}31m");
    ladder.message(ms(0), "b", "b", "\u{1b}]0;x");
    let drawn = ladder.to_string();
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()));
    assert_eq!(drawn.lines().count(), 2 + ladder.len());
}

#[test]
fn nothing_draws_nothing_but_the_frame() {
    let ladder = Ladder::new();
    assert!(ladder.is_empty());
    assert_eq!(ladder.to_string(), "\n\n");
    let mut named = Ladder::new();
    named.party("engine");
    assert_eq!(named.to_string().lines().count(), 2);
}
