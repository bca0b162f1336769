//! Number formats of a trunk, both ways, as tables.

use crate::world::scene::{S0, SECOND};
use crate::world::{CARRIER, Caller, addr, reply, sdp};
use crate::{A, only_call, press, pressed, world};

#[test]
fn what_is_dialled_and_shown_follows_the_trunk() {
    let rows = [
        ("", "0851110", "13300000001"),
        ("numbers_out = \"national\"", "0851110", "13300000001"),
        ("numbers_out = \"bare\"", "851110", "13300000001"),
        ("numbers_out = \"e164\"", "+86851110", "+8613300000001"),
        (
            "numbers_out = \"local\"\narea_code = \"0851\"",
            "110",
            "13300000001",
        ),
        (
            "numbers_out = \"local\"\narea_code = \"0854\"",
            "0851110",
            "13300000001",
        ),
        (
            "numbers_out = { mobile = \"zero\", add = \"9\" }",
            "90851110",
            "013300000001",
        ),
        (
            "numbers_out = { form = \"local\", strip = \"0851\" }",
            "110",
            "13300000001",
        ),
    ];
    for (keys, dialled, shown) in rows {
        let (mut world, ..) = pressed(
            &format!("to = [\"10.0.1.1\"]\nkeep_caller_user = true\n{keys}"),
            "110",
        );
        let invite = world.take(addr(A), &format!("INVITE sip:{dialled}@10.0.1.1:5060 "));
        assert_eq!(
            invite.header("To"),
            format!("<sip:{dialled}@10.0.1.1:5060>"),
            "{keys}"
        );
        let from = invite.header("From");
        assert!(
            from.starts_with(&format!("<sip:{shown}@test.invalid>")),
            "{keys}: {from}"
        );
        reply(&mut world, &invite, "486 Busy Here", "x", "");
    }
}

#[test]
fn another_citys_mobile_gets_its_zero_where_the_trunk_asks_for_it() {
    // Segments of the compiled table, found by it: one of Guiyang and one of Beijing.
    let table = crate::world::read(crate::world::CONFIG);
    let places = table.routing.gazetteer();
    let of = |code: &str| {
        let cities = places.atlas().cities_of_code(code).to_vec();
        let mut numbers = (0..10_000_u32).map(|n| format!("139{n:04}0000"));
        let number = numbers.find(|number| {
            let city = places.segments().find(number.as_bytes());
            city.is_some_and(|city| cities.contains(&city))
        });
        number.unwrap()
    };
    let (here, there) = (of("0851"), of("010"));
    for (number, shown) in [(here.clone(), here), (there.clone(), format!("0{there}"))] {
        let mut world = world(
            "to = [\"10.0.1.1\"]\nkeep_caller_user = true\narea_code = \"0851\"\n\
             numbers_out = { mobile = \"zero_elsewhere\" }",
        );
        crate::world::scene::sign_on(&mut world, 0, 0);
        let mut caller = Caller::new(CARRIER, &number);
        caller.invite(&mut world);
        let seat = world.take(addr(S0), "INVITE");
        crate::world::answer(&mut world, &seat);
        caller.answered(&mut world);
        let call = only_call(&world);
        press(&mut world, call, "110");
        let invite = world.take(addr(A), "INVITE sip:0851110@");
        let from = invite.header("From");
        assert!(from.starts_with(&format!("<sip:{shown}@")), "{from}");
    }
}

#[test]
fn what_arrives_is_read_as_the_trunk_writes_it() {
    let rows = [
        ("", "85188888888", "85188888888", "12356"),
        (
            "numbers_in = \"bare\"",
            "85188888888",
            "085188888888",
            "12356",
        ),
        (
            "numbers_in = \"e164\"",
            "8613300000001",
            "13300000001",
            "12356",
        ),
        (
            "numbers_in = \"e164\"",
            "85221234567",
            "+85221234567",
            "12356",
        ),
        (
            "numbers_in = \"national\"\narea_code = \"0851\"",
            "88888888",
            "085188888888",
            "12356",
        ),
        (
            "numbers_in = { strip = \"99\" }",
            "9913300000001",
            "13300000001",
            "12356",
        ),
    ];
    for (keys, arrives, caller, called) in rows {
        let mut world = world(&format!("to = [\"10.0.1.1\"]\n{keys}"));
        let from = Caller::new(CARRIER, arrives);
        from.invite(&mut world);
        from.cancel(&mut world);
        world.pass(SECOND);
        let record = &world.records[0];
        assert_eq!(record.caller.reveal(), caller, "{keys} {arrives}");
        assert_eq!(record.called.reveal(), called, "{keys} {arrives}");
    }
    // What was dialled as well.
    let mut world = world("to = [\"10.0.1.1\"]\nnumbers_in = { form = \"bare\", strip = \"7\" }");
    let from = Caller::new(CARRIER, "13300000001");
    let text = from.request("INVITE", 1, "i", &sdp(from.from, 4000));
    world.arrive(from.from, &text.replace("sip:12356@", "sip:785112345678@"));
    from.cancel(&mut world);
    world.pass(SECOND);
    assert!(world.records.is_empty() || world.records[0].called.reveal() == "085112345678");
}
