//! Police who must not be heard where the caller is.

use crate::desk::{
    L0, L1, all_over, answers_at, counsellor_hangs_up, dialled, ears, hear, pair, press, press_as,
    second_at, staff, story, thirds,
};
use crate::world::scene::{SECOND, offer_at};
use crate::world::{Sent, World, answer, reply, seat_bye};
use meishier_engine::Who;
use meishier_engine::transfer::{Manner, Mode, State, ThirdId};

fn quiet_police(world: &mut World) -> (ThirdId, Sent) {
    let third = press_as(world, "110", Manner::Quiet).unwrap().third;
    let invite = dialled(world);
    reply(world, &invite, "180 Ringing", "police", "");
    answers_at(world, &invite, 7000);
    (third, invite)
}

#[test]
fn the_second_line_talks_with_police_and_hears_the_caller_who_hears_the_counsellor_alone() {
    let (mut world, caller, _) = pair();
    staff(&mut world);
    let (_, officer) = second_at(&mut world, "2", L0);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    let (_, police) = quiet_police(&mut world);
    assert_eq!(ears(&world), "C:K K:C L:CKP P:L");
    let modes = [(Mode::Desk, State::Joined), (Mode::Back, State::Joined)];
    assert_eq!(thirds(&world), modes);
    // Police have heard enough: the second line speaks with everybody again.
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:KL K:CL L:CK");
    caller.bye(&mut world);
    seat_bye(&mut world, &officer);
    let transfers = all_over(&mut world);
    assert_eq!(
        story(&transfers[0]),
        [
            "dialling",
            "seat_offered",
            "joined",
            "mode",
            "mode",
            "caller_left",
            "target_left"
        ]
    );
}

#[test]
fn police_who_answer_before_anybody_is_at_the_desk_hear_all_and_only_the_counsellor_hears_them() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    press(&mut world, "2");
    let officer = offer_at(&mut world, L0);
    let (_, police) = quiet_police(&mut world);
    assert_eq!(ears(&world), "C:K K:CP P:CK");
    // Somebody sits down at the desk: police are that person's from now on.
    answer(&mut world, &officer);
    assert_eq!(ears(&world), "C:K K:C L:CKP P:L");
    // Who sat there leaves: the counsellor hears police again, the caller still does not.
    seat_bye(&mut world, &officer);
    assert_eq!(ears(&world), "C:K K:CP P:CK");
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:K K:C");
    let views = world.shards.iter().map(|s| s.view(world.now));
    assert_eq!(views.flat_map(|v| v.calls).count(), 1);
}

#[test]
fn two_of_the_second_line_sit_at_the_desk_together() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    second_at(&mut world, "2", L1);
    quiet_police(&mut world);
    assert_eq!(ears(&world), "C:K K:C L:CKMP M:CKLP P:LM");
}

#[test]
fn a_person_may_bring_police_forward_and_back_again() {
    let (mut world, _, _) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    let (police, _) = quiet_police(&mut world);
    let who = Who::Third(police);
    hear(&mut world, who, Mode::Full).unwrap();
    assert_eq!(ears(&world), "C:KLP K:CLP L:CKP P:CKL");
    hear(&mut world, who, Mode::Back).unwrap();
    assert_eq!(ears(&world), "C:K K:C L:CKP P:L");
    hear(&mut world, who, Mode::Held).unwrap();
    assert_eq!(ears(&world), "C:KL K:CL L:CK P:music");
}

#[test]
fn a_counsellor_who_drops_out_is_replaced_by_the_desk_and_the_caller_still_hears_no_police() {
    let (mut world, caller, seat) = pair();
    staff(&mut world);
    second_at(&mut world, "2", L0);
    quiet_police(&mut world);
    counsellor_hangs_up(&mut world, &seat);
    // The second line takes the counsellor's place, and hears both.
    assert_eq!(ears(&world), "C:L L:CP P:CL");
    // Another one of the second line is called in, and sits down at the desk.
    world.pass(SECOND);
    let next = offer_at(&mut world, L1);
    answer(&mut world, &next);
    assert_eq!(ears(&world), "C:L L:C M:CLP P:M");
    caller.bye(&mut world);
}

#[test]
fn with_nobody_else_left_police_come_to_the_front() {
    let (mut world, caller, seat) = pair();
    let (_, police) = quiet_police(&mut world);
    assert_eq!(ears(&world), "C:K K:CP P:CK");
    counsellor_hangs_up(&mut world, &seat);
    assert_eq!(ears(&world), "C:P P:C");
    // The second line is on the way, and the caller waits for it.
    seat_bye(&mut world, &police);
    assert_eq!(ears(&world), "C:~");
    caller.bye(&mut world);
    let transfers = all_over(&mut world);
    assert!(story(&transfers[0]).contains(&"no_desk"));
}

#[test]
fn a_caller_who_hangs_up_leaves_counsellor_and_police_together() {
    let (mut world, caller, seat) = pair();
    let (_, police) = quiet_police(&mut world);
    caller.bye(&mut world);
    assert_eq!(ears(&world), "K:P P:K");
    counsellor_hangs_up(&mut world, &seat);
    world.take(police.to, "BYE");
    all_over(&mut world);
}
