//! Who is left, and what that asks for.

use meishier_transfer::{Conference, Leaving, Order, Standing, Third};

const POLICE_RINGS: Third = Third::Pending { emergency: true };
const CLINIC_RINGS: Third = Third::Pending { emergency: false };

fn orders(machine: &mut Conference) -> Vec<Order> {
    std::iter::from_fn(|| machine.poll_order()).collect()
}

#[test]
fn the_caller_leaves() {
    let cases: [(&[Third], Standing, Order); 5] = [
        (&[], Standing::Over, Order::End),
        (&[CLINIC_RINGS], Standing::Over, Order::End),
        (&[Third::Bystander], Standing::Over, Order::End),
        (&[POLICE_RINGS], Standing::Callerless, Order::OfferCallBack),
        (
            &[CLINIC_RINGS, Third::Present],
            Standing::Callerless,
            Order::OfferCallBack,
        ),
    ];
    for (thirds, standing, order) in cases {
        let mut machine = Conference::new();
        machine.handle_caller_left(thirds);
        let done = (machine.standing(), orders(&mut machine));
        assert_eq!(done, (standing, vec![order]), "{thirds:?}");
    }
}

#[test]
fn the_counsellor_leaves() {
    let second = Some(Order::CallSecondLine);
    let cases: [(Leaving, &[Third], Standing, Option<Order>); 6] = [
        (Leaving::HungUp, &[], Standing::Over, Some(Order::End)),
        (
            Leaving::HungUp,
            &[Third::Bystander],
            Standing::Over,
            Some(Order::End),
        ),
        (
            Leaving::HungUp,
            &[POLICE_RINGS],
            Standing::Unattended,
            second,
        ),
        (
            Leaving::HungUp,
            &[CLINIC_RINGS],
            Standing::Unattended,
            second,
        ),
        (
            Leaving::HungUp,
            &[Third::Present],
            Standing::Unattended,
            second,
        ),
        (
            Leaving::Planned,
            &[Third::Present],
            Standing::Unattended,
            None,
        ),
    ];
    for (how, thirds, standing, order) in cases {
        let mut machine = Conference::new();
        machine.handle_counsellor_left(how, thirds);
        let done = (machine.standing(), orders(&mut machine));
        assert_eq!(done, (standing, order.into_iter().collect()), "{thirds:?}");
    }
}

#[test]
fn the_last_one_with_a_caller_who_is_alone() {
    for (served, order) in [(true, Order::End), (false, Order::Requeue)] {
        let mut machine = Conference::new();
        machine.handle_counsellor_left(Leaving::Planned, &[Third::Present]);
        assert_eq!(orders(&mut machine), []);
        machine.handle_third_left(served, &[POLICE_RINGS]);
        assert_eq!(orders(&mut machine), [], "somebody is on the way still");
        machine.handle_third_left(served, &[Third::Bystander]);
        assert_eq!(orders(&mut machine), [order]);
        assert_eq!(machine.standing(), Standing::Over);
    }
}

#[test]
fn without_the_caller_counsellor_and_police_stay_together() {
    let gone = || {
        let mut machine = Conference::new();
        machine.handle_caller_left(&[Third::Present, POLICE_RINGS]);
        assert_eq!(orders(&mut machine), [Order::OfferCallBack]);
        machine
    };
    let mut police_leave = gone();
    police_leave.handle_third_left(true, &[POLICE_RINGS]);
    assert_eq!(orders(&mut police_leave), []);
    police_leave.handle_third_left(false, &[]);
    assert_eq!(orders(&mut police_leave), [Order::End]);
    let mut counsellor_leaves = gone();
    counsellor_leaves.handle_counsellor_left(Leaving::HungUp, &[Third::Present]);
    assert_eq!(orders(&mut counsellor_leaves), [Order::End]);
}

#[test]
fn nothing_happens_once_it_is_over() {
    let mut machine = Conference::new();
    machine.handle_caller_left(&[]);
    orders(&mut machine);
    machine.handle_caller_left(&[Third::Present]);
    machine.handle_counsellor_left(Leaving::HungUp, &[Third::Present]);
    machine.handle_third_left(true, &[]);
    assert_eq!(orders(&mut machine), []);
    assert_eq!(machine.standing(), Standing::Over);
}

fn of(how: Leaving, thirds: &[Third]) -> Conference {
    let mut machine = Conference::new();
    machine.handle_counsellor_left(how, thirds);
    orders(&mut machine);
    machine
}

#[test]
fn an_emergency_that_rings_goes_on_without_caller_and_counsellor_whoever_left_first() {
    let both = [Order::OfferCallBack, Order::CallSecondLine];
    let mut counsellor_first = of(Leaving::Lost, &[POLICE_RINGS, CLINIC_RINGS]);
    counsellor_first.handle_caller_left(&[POLICE_RINGS, CLINIC_RINGS]);
    assert_eq!(orders(&mut counsellor_first), both);
    let mut caller_first = Conference::new();
    caller_first.handle_caller_left(&[POLICE_RINGS]);
    caller_first.handle_counsellor_left(Leaving::Lost, &[POLICE_RINGS]);
    assert_eq!(orders(&mut caller_first), both);
    for mut machine in [counsellor_first, caller_first] {
        assert!(machine.is_bereft());
        machine.handle_third_left(false, &[POLICE_RINGS]);
        assert_eq!(orders(&mut machine), [], "it rings still");
        machine.handle_third_left(false, &[Third::Emergency, CLINIC_RINGS]);
        assert_eq!(orders(&mut machine), [], "somebody comes for police");
        machine.handle_third_left(false, &[Third::Emergency, Third::Officer]);
        assert_eq!(orders(&mut machine), [], "they talk");
        machine.handle_third_left(true, &[Third::Officer, Third::Bystander]);
        assert_eq!(orders(&mut machine), [Order::End]);
    }
}

#[test]
fn police_stay_with_the_second_line_when_the_caller_hangs_up_and_alone_with_nobody() {
    let joined = [Third::Emergency, Third::Officer];
    let mut stands_in = of(Leaving::HungUp, &joined);
    stands_in.handle_caller_left(&joined);
    assert_eq!(orders(&mut stands_in), [Order::OfferCallBack]);
    stands_in.handle_third_left(true, &[Third::Emergency]);
    assert_eq!(orders(&mut stands_in), [Order::End]);
    for alone in [
        [Third::Emergency, CLINIC_RINGS],
        [Third::Officer, CLINIC_RINGS],
    ] {
        let mut machine = of(Leaving::HungUp, &alone);
        machine.handle_caller_left(&alone);
        assert_eq!(orders(&mut machine), [Order::End], "{alone:?}");
    }
}

#[test]
fn without_the_caller_a_line_that_breaks_does_not_leave_police_alone() {
    let there = [Third::Emergency];
    for (how, thirds, order) in [
        (Leaving::Lost, &there[..], Order::CallSecondLine),
        (Leaving::HungUp, &there[..], Order::End),
        (Leaving::HungUp, &[POLICE_RINGS][..], Order::End),
        (Leaving::Lost, &[Third::Present][..], Order::End),
    ] {
        let mut machine = Conference::new();
        machine.handle_caller_left(thirds);
        orders(&mut machine);
        machine.handle_counsellor_left(how, thirds);
        assert_eq!(orders(&mut machine), [order], "{how:?} {thirds:?}");
    }
}

#[test]
fn who_was_called_back_is_not_left_alone_by_the_counsellor() {
    let second = Some(Order::CallSecondLine);
    let end = Some(Order::End);
    let (alone, police) = (Third::Returned, Third::Emergency);
    let (police_too, officer): (&[Third], &[Third]) = (&[alone, police], &[alone, Third::Officer]);
    let cases: [(Leaving, &[Third], Standing, Option<Order>); 7] = [
        (Leaving::HungUp, &[alone], Standing::Over, end),
        (
            Leaving::HungUp,
            &[alone, Third::Bystander],
            Standing::Over,
            end,
        ),
        (Leaving::Lost, &[alone], Standing::Bereft, second),
        (Leaving::HungUp, police_too, Standing::Bereft, second),
        (Leaving::Planned, police_too, Standing::Bereft, None),
        (Leaving::Lost, police_too, Standing::Bereft, second),
        (Leaving::HungUp, officer, Standing::Bereft, None),
    ];
    for (how, thirds, standing, order) in cases {
        let mut machine = Conference::new();
        machine.handle_caller_left(&[police]);
        assert_eq!(orders(&mut machine), [Order::OfferCallBack]);
        machine.handle_counsellor_left(how, thirds);
        let done = (machine.standing(), orders(&mut machine).pop());
        assert_eq!(done, (standing, order), "{how:?} {thirds:?}");
    }
}

#[test]
fn who_was_called_back_talks_on_with_whoever_stays_and_is_over_alone() {
    let bereft = |thirds: &[Third]| {
        let mut machine = Conference::new();
        machine.handle_caller_left(&[Third::Emergency]);
        machine.handle_counsellor_left(Leaving::Planned, &[Third::Returned, Third::Emergency]);
        let _ = orders(&mut machine);
        machine.handle_third_left(true, thirds);
        machine.standing()
    };
    let rings = Third::Pending { emergency: false };
    for (thirds, standing) in [
        (&[Third::Returned, Third::Emergency][..], Standing::Bereft),
        (&[Third::Returned, Third::Officer], Standing::Bereft),
        (&[Third::Returned, rings], Standing::Bereft),
        (&[Third::Returned], Standing::Over),
        (&[Third::Emergency], Standing::Over),
        (&[Third::Returned, Third::Bystander], Standing::Over),
    ] {
        assert_eq!(bereft(thirds), standing, "{thirds:?}");
    }
    // The counsellor and who was called back talk on without police.
    let mut machine = Conference::new();
    machine.handle_caller_left(&[Third::Emergency]);
    machine.handle_third_left(true, &[Third::Returned]);
    assert_eq!(machine.standing(), Standing::Callerless);
}
