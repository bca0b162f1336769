//! Whose police is dialled: from what the counsellor says, the cell and the caller's number.

use crate::world::scene::{S0, SECOND, offer_at, sign_on};
use crate::world::{CARRIER, CONFIG, Caller, TEN_O_CLOCK, World, addr, answer, reply};
use meishier_engine::transfer::dossier::{Facts, Spoken, Told};
use meishier_engine::{Command, CommandError, Reply, TransferStarted};
use meishier_model::CallId;

/// A caller of this number and a seat in conversation, on a trunk whose cells are believed.
fn talking_from(number: &str, cell: Option<&str>, more: &str) -> (World, CallId) {
    let trunk = "name = \"carrier\"\n";
    let text = CONFIG.replacen(
        trunk,
        &format!("{trunk}trust = [\"asserted\", \"cell\"]\n"),
        1,
    );
    let cells = "[[cells]]\nprefix = \"460001\"\ncity = \"毕节\"\n";
    let mut world = World::with(&format!("{text}\n{cells}{more}"), TEN_O_CLOCK);
    sign_on(&mut world, 0, 0);
    let mut caller = Caller::new(CARRIER, number);
    let header = cell.map(|cell| {
        format!("P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp={cell}\r\n")
    });
    caller.invite_with(&mut world, &header.unwrap_or_default());
    let invite = offer_at(&mut world, S0);
    answer(&mut world, &invite);
    caller.answered(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    (world, call)
}

fn press(world: &mut World, call: CallId, place: &str) -> Result<TransferStarted, CommandError> {
    match world.command(Command::press(call, "110", place)) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_as_good_as_the_network_knows_is_dialled_at_once() {
    let cell = Some("4600012345678");
    let cases = [
        ("13300000001", cell, "", "0857110", "基站"),
        ("02088888888", cell, "", "0857110", "基站"),
        ("02088888888", None, "", "020110", "来电号码的区号"),
        ("02088888888", None, "白云区", "020110", "来电号码的区号"),
        (
            "02088888888",
            cell,
            "遵义市红花岗区",
            "0851110",
            "咨询员给出",
        ),
    ];
    for (number, cell, place, dialled, why) in cases {
        let (mut world, call) = talking_from(number, cell, "");
        let started = press(&mut world, call, place).unwrap();
        assert_eq!((&*started.dialled, started.asks), (dialled, None));
        assert!(started.reason.contains(why), "{}", started.reason);
        world.take(addr(CARRIER), &format!("INVITE sip:{dialled}@"));
    }
}

#[test]
fn what_is_only_likely_is_dialled_when_nobody_has_answered_in_time() {
    let (mut world, call) = talking_from("02088888888", None, "");
    let started = press(&mut world, call, "鼓楼区").unwrap();
    let asks = started.asks.unwrap();
    assert_eq!(
        asks.cities,
        ["江苏南京", "江苏徐州", "福建福州", "河南开封", "广东广州"]
    );
    world.pass(14 * SECOND);
    world.none(addr(CARRIER), "INVITE");
    world.pass(2 * SECOND);
    world.take(addr(CARRIER), "INVITE sip:025110@");
}

#[test]
fn the_number_of_a_place_is_dialled_first_and_then_the_area_code() {
    let places = "[[transfer.places]]\ncity = \"遵义\"\nkey = \"110\"\nto = [\"085128222222\"]\n";
    let (mut world, call) = talking_from("13300000001", None, places);
    let started = press(&mut world, call, "遵义").unwrap();
    assert_eq!(started.dialled, "085128222222");
    let invite = world.take(addr(CARRIER), "INVITE sip:085128222222@");
    reply(&mut world, &invite, "486 Busy Here", "direct", "");
    world.take(addr(CARRIER), "INVITE sip:0851110@");
}

#[test]
fn nothing_outside_the_list_is_dialled() {
    let (mut world, call) = talking_from("02088888888", None, "");
    for key in ["120", "1", "008613300000000", "sip:110@10.0.9.9"] {
        let pressed = world.command(Command::press(call, key, "贵阳"));
        let Reply::Transfer(result) = pressed else {
            panic!("{pressed:?}");
        };
        assert_eq!(result, Err(CommandError::UnknownKey));
    }
    world.none(addr(CARRIER), "INVITE");
}

const RECEIVERS: &str = "[[dossier.receivers]]\nname = \"police\"\nurl = \"http://127.0.0.1:9/x\"\n\
                         secret_file = \"x\"\nemergencies = true\n";

#[test]
fn a_street_without_a_city_does_not_hide_the_place_of_the_cell() {
    let (mut world, call) = talking_from("13300000001", Some("4600012345678"), RECEIVERS);
    let facts = Facts {
        place: Some("中华北路1号楼顶".to_owned()),
        ..Facts::default()
    };
    let facts = Box::new(facts);
    world.command(Command::Facts { call, facts });
    assert_eq!(press(&mut world, call, "").unwrap().dialled, "0857110");
    let dossier = &world.dossiers[0];
    assert_eq!(dossier.places[0].by, Told::Counsellor);
    let said: Vec<&str> = dossier.spoken().into_iter().map(Spoken::name).collect();
    let said = said.join(" ");
    assert!(
        said.contains("brief_place 0 8 5 7 brief_place_cell"),
        "{said}"
    );
    assert!(!said.contains("unsure"), "{said}");
}

#[test]
fn a_county_city_that_no_region_holds_goes_along_with_its_code() {
    for (given, city, code) in [("儋州市", "儋州", "0898"), ("文昌市文城镇", "文昌", "0898")]
    {
        let (mut world, call) = talking_from("13300000001", None, RECEIVERS);
        let started = press(&mut world, call, given).unwrap();
        assert_eq!(started.dialled, format!("{code}110"));
        let place = &world.dossiers[0].places[0];
        assert_eq!(
            (place.by, place.province.as_str()),
            (Told::Counsellor, "海南")
        );
        assert_eq!(
            (place.city.as_str(), place.area_code.as_str()),
            (city, code)
        );
    }
}
