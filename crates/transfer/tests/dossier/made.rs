//! Dossiers to try.

use meishier_model::{CallId, DialString, Wall};
use meishier_routing::Confidence;
use meishier_transfer::dossier::{
    Along, Caller, Desk, Dossier, Facts, Hazard, Level, Place, Risk, Step, Sure, Told, Via,
};

pub const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n";
pub const NUMBER: &str = "13300000001";

pub fn place() -> Place {
    Place {
        by: Told::Counsellor,
        sure: Confidence::High,
        province: "贵州".into(),
        city: "贵阳".into(),
        area_code: "0851".into(),
        district: Some("云岩区".into()),
        words: Some("中华北路<1>号 & 楼顶".into()),
        cell: None,
    }
}

pub fn facts() -> Facts {
    Facts {
        level: Some(Level::Acting),
        why: Some("说已经站在楼边".into()),
        person: Some("女，约二十岁".into()),
        clothing: Some("红色上衣".into()),
        appearance: Some("短发".into()),
        hazards: vec![Hazard::Height, Hazard::Blade],
        safety: vec!["家里有大狗".into()],
        battery: Some(15),
        callback: Some("0851-1234567".into()),
        done: vec!["陪伴通话".into()],
        note: Some("怕警笛".into()),
        ..Facts::default()
    }
}

/// One that knows much.
pub fn dossier() -> Dossier {
    Dossier {
        call: CallId(0x4d2),
        via: Via::Https,
        count: 2,
        made: Wall(1_763_805_564_123),
        arrived: Wall(1_763_805_000_000),
        answered: Some(Wall(1_763_805_010_000)),
        key: "110".into(),
        title: "公安报警".into(),
        emergency: true,
        desk: Desk {
            agency: "贵州 12356".into(),
            domain: "hotline.example".into(),
            number: "085112356".into(),
            pool: "city".into(),
            line: Some(3),
            seat: "gy01".into(),
            counsellor: "c042".into(),
        },
        caller: Caller {
            number: DialString::new(NUMBER),
            sure: Sure::Asserted,
            withheld: true,
        },
        places: vec![
            place(),
            Place {
                by: Told::Cell,
                cell: Some(DialString::new("460-00-1234-5678")),
                district: None,
                words: None,
                ..place()
            },
        ],
        doubt: String::new(),
        risk: Risk {
            flagged: true,
            by: "咨询员标记为高风险".into(),
        },
        facts: facts(),
        done: vec![Step {
            at: Wall(1_763_805_000_000),
            what: "来电进入热线".into(),
        }],
    }
}

/// One of whose caller nothing is known.
pub fn nothing_known() -> Dossier {
    Dossier {
        caller: Caller {
            number: DialString::default(),
            sure: Sure::Unknown,
            withheld: false,
        },
        places: Vec::new(),
        risk: Risk::default(),
        facts: Facts::default(),
        ..dossier()
    }
}

/// Everything goes along.
pub const ALL: Along = Along {
    location: true,
    data: true,
};
