//! How trunks write numbers, both ways.

use meishier_routing::{Form, MobileZero, Number, NumberFormat};

const OWN: Option<&str> = Some("0851");

fn format(form: Form, mobile: MobileZero) -> NumberFormat {
    NumberFormat {
        form,
        mobile,
        ..NumberFormat::default()
    }
}

/// 133… is of Guiyang (0851), 138… of Zunyi (0852), of others nobody knows.
fn code_of(number: &Number) -> Option<&'static str> {
    match number.as_str().get(..3) {
        Some("133") => Some("0851"),
        Some("138") => Some("0852"),
        _ => None,
    }
}

#[test]
fn numbers_leave_as_the_carrier_asks_for() {
    use Form::{Bare, E164, Local, National};
    use MobileZero::{Always, Elsewhere, Never};
    let rows = [
        (National, Never, "0851110", "0851110"),
        (National, Never, "+8685188888888", "085188888888"),
        (National, Never, "88888888", "085188888888"),
        (National, Never, "01088888888", "01088888888"),
        (National, Never, "013312345678", "13312345678"),
        (National, Always, "13312345678", "013312345678"),
        (National, Elsewhere, "13312345678", "13312345678"),
        (National, Elsewhere, "13812345678", "013812345678"),
        (National, Elsewhere, "19912345678", "19912345678"),
        (National, Never, "+85221234567", "0085221234567"),
        (National, Never, "12356", "12356"),
        (National, Never, "4001234567", "4001234567"),
        (National, Never, "anonymous-desk", "anonymous-desk"),
        (Bare, Always, "085188888888", "85188888888"),
        (Bare, Always, "0851110", "851110"),
        (Bare, Always, "13312345678", "13312345678"),
        (E164, Always, "0851110", "+86851110"),
        (E164, Always, "01088888888", "+861088888888"),
        (E164, Always, "13312345678", "+8613312345678"),
        (E164, Always, "0085221234567", "+85221234567"),
        (E164, Always, "12356", "12356"),
        (Local, Never, "0851110", "110"),
        (Local, Never, "085188888888", "88888888"),
        (Local, Never, "0852110", "0852110"),
        (Local, Elsewhere, "13812345678", "013812345678"),
    ];
    for (form, mobile, number, expected) in rows {
        let sent = format(form, mobile).dial(number, OWN, code_of);
        assert_eq!(sent, expected, "{form:?} {mobile:?} {number}");
    }
}

#[test]
fn prefixes_belong_to_what_is_dialled_alone() {
    let format = NumberFormat {
        strip: "0851".to_owned(),
        add: "9".to_owned(),
        ..NumberFormat::default()
    };
    assert_eq!(format.dial("0851110", OWN, code_of), "9110");
    assert_eq!(format.dial("0852110", OWN, code_of), "90852110");
    assert_eq!(format.write("085188888888", OWN, code_of), "085188888888");
    let all = NumberFormat {
        strip: "110".to_owned(),
        ..NumberFormat::default()
    };
    assert_eq!(all.dial("110", OWN, code_of), "110", "never to nothing");
}

#[test]
fn numbers_arrive_in_the_form_of_routes() {
    use Form::{Bare, E164, Local, National};
    let rows = [
        (National, "085188888888", "085188888888"),
        (National, "88888888", "085188888888"),
        (National, "013312345678", "13312345678"),
        (Local, "8888888", "08518888888"),
        (Local, "12356", "12356"),
        (E164, "8685188888888", "085188888888"),
        (E164, "8613312345678", "13312345678"),
        (E164, "85221234567", "+85221234567"),
        (E164, "+85221234567", "+85221234567"),
        (E164, "12356", "12356"),
        (E164, "4001234567", "4001234567"),
        (E164, "088888888888", "088888888888"),
        (Bare, "85188888888", "085188888888"),
        (Bare, "1088888888", "01088888888"),
        (Bare, "13312345678", "13312345678"),
        (Bare, "88888888", "085188888888"),
        (Bare, "4001234567", "4001234567"),
        (Bare, "12356", "12356"),
        (Bare, "anonymous", "anonymous"),
    ];
    for (form, number, expected) in rows {
        let read = format(form, MobileZero::Never).read(number, OWN);
        assert_eq!(read, expected, "{form:?} {number}");
    }
}

#[test]
fn prefixes_of_a_switch_fall_away_and_short_numbers_get_none() {
    let format = NumberFormat {
        strip: "99".to_owned(),
        add: "0".to_owned(),
        ..NumberFormat::default()
    };
    assert_eq!(format.read("9912356", OWN), "12356");
    assert_eq!(format.read("12356", OWN), "12356");
    assert_eq!(format.read("9913312345678", OWN), "013312345678");
    assert_eq!(format.read("99", OWN), "99", "never to nothing");
}

#[test]
fn nothing_is_too_odd() {
    let odd = [
        "",
        "+",
        "0",
        "00",
        "86",
        "0086",
        "é１２",
        "110;ext=1",
        "*11*1#",
    ];
    for form in [Form::National, Form::Bare, Form::E164, Form::Local] {
        for text in odd {
            let format = format(form, MobileZero::Elsewhere);
            let _ = format.read(text, OWN);
            let _ = format.dial(text, None, code_of);
        }
        // What one side writes the other reads, whatever the form.
        for number in ["085188888888", "01088888888", "13312345678", "02512345678"] {
            let format = format(form, MobileZero::Elsewhere);
            let back = format.read(&format.dial(number, OWN, code_of), OWN);
            assert_eq!(Number::new(&back).as_str(), number, "{form:?}");
        }
    }
}
