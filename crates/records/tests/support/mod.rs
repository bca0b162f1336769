//! Records to write, and a place to write them to.
#![allow(dead_code)] // each test takes what it needs

use meishier_model::{
    CallBackRecord, CallId, CallRecord, Consent, DialString, OfferOutcome, OfferRecord, Outcome,
    PauseRecord, PeerTried, RecordingRecord, ReleasedBy, RtpStats, ShardId, TapeForm, TapeRecord,
    TrackRecord, TransferOutcome, TransferRecord, Wall,
};
use meishier_records::{Store, StoreOptions};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

pub struct Place {
    pub folder: TempDir,
    pub path: PathBuf,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.sqlite");
    Place { folder, path }
}

/// A store that gives up on a lock at once, so that tests need not wait for it.
pub async fn impatient(place: &Place) -> Store {
    let options = StoreOptions {
        busy_timeout: Duration::from_millis(1),
        readers: 2,
    };
    Store::open_with(&place.path, options).await.unwrap()
}

/// A record in which every field is set and differs from every other.
pub fn full(n: u64) -> CallRecord {
    CallRecord {
        call: CallId::new(ShardId(63), n),
        trunk: "电信".into(),
        caller: DialString::new("+8613900001234"),
        called: DialString::new("12356"),
        sip_call_id: format!("call-{n}@carrier\0'\"--"),
        arrived: Wall(1_700_000_000_000 + n as i64),
        answered: Some(Wall(1_700_000_001_000)),
        ended: Wall(1_700_000_002_000),
        waited_ms: 1001,
        talked_ms: u64::MAX,
        outcome: Outcome::Answered,
        released_by: ReleasedBy::Seat,
        status: 487,
        cause: "Q.850;cause=16".to_owned(),
        seat_cause: "SIP;cause=200".to_owned(),
        pool: Some("province".into()),
        line: Some(65_535),
        seat: Some("gy01".into()),
        counsellor: Some("c042".into()),
        route: vec![("city".into(), 0), ("province".into(), 20)],
        route_reason: "主叫归属:贵阳".into(),
        table: "0123456789abcdef".into(),
        rules: vec!["guiyang".into(), "夜间 \"省\"".into()],
        risk: true,
        nuisance: true,
        offers: vec![
            offer("gy07", OfferOutcome::NoAnswer, 480),
            offer("gy01", OfferOutcome::Answered, 200),
        ],
        transfers: vec![
            transfer(TransferOutcome::Failed, None),
            transfer(TransferOutcome::Joined, Some(Wall(9))),
        ],
        rtp_caller: RtpStats {
            received: 1,
            sent: 2,
            wrong_source: 3,
            malformed: 4,
            lost: 101,
            jitter_us: 102,
            reports: 103,
            peer_lost: 104,
            peer_jitter_us: 105,
            round_trip_us: 106,
            unauthentic: 107,
            secured: false,
        },
        rtp_seat: RtpStats {
            received: 5,
            sent: 6,
            wrong_source: 7,
            malformed: u64::MAX - 1,
            lost: 201,
            jitter_us: 202,
            reports: 203,
            peer_lost: 204,
            peer_jitter_us: 205,
            round_trip_us: 206,
            unauthentic: 207,
            secured: true,
        },
        recording: Some(Box::new(recording())),
        call_back: Some(Box::new(call_back(true))),
    }
}

/// A caller who agreed and hung up; reached since, or still to be.
pub fn call_back(reached: bool) -> CallBackRecord {
    CallBackRecord {
        consent: Some(Wall(1_700_000_001_500)),
        hours: "22:00-06:30".to_owned(),
        note: "只找本人，\"家人\"不知情".to_owned(),
        number: true,
        since: Some(Wall(1_700_000_001_700)),
        reached,
    }
}

/// A record in which whatever may be missing is missing.
pub fn bare(n: u64) -> CallRecord {
    CallRecord {
        caller: DialString::default(),
        called: DialString::default(),
        answered: None,
        outcome: Outcome::Abandoned,
        released_by: ReleasedBy::Caller,
        status: 0,
        cause: String::new(),
        seat_cause: String::new(),
        pool: None,
        line: None,
        seat: None,
        counsellor: None,
        route: Vec::new(),
        table: String::new(),
        rules: Vec::new(),
        risk: false,
        nuisance: false,
        offers: Vec::new(),
        transfers: Vec::new(),
        rtp_caller: RtpStats::default(),
        rtp_seat: RtpStats::default(),
        recording: None,
        call_back: None,
        ..full(n)
    }
}

pub fn recording() -> RecordingRecord {
    RecordingRecord {
        consent: Consent::Asked,
        told: Some(Wall(1_700_000_001_000)),
        asked: Some(Wall(1_700_000_001_000)),
        refused: None,
        tapes: vec![TapeRecord {
            segment: 1,
            form: TapeForm::Both,
            consent: Consent::Asked,
            begun: Wall(1_700_000_001_000),
            ended: None,
            lost: 0,
            given_up: false,
            tracks: vec![TrackRecord {
                track: 0,
                party: "caller".to_owned(),
                from: Wall(1_700_000_001_000),
            }],
        }],
        pauses: vec![PauseRecord {
            at: Wall(1_700_000_002_000),
            on: false,
            reason: "卡号".to_owned(),
        }],
    }
}

pub fn offer(seat: &str, outcome: OfferOutcome, status: u16) -> OfferRecord {
    OfferRecord {
        seat: seat.into(),
        counsellor: "c001".into(),
        pool: "city".into(),
        at: Wall(1_700_000_000_500),
        rang_ms: 20_000,
        outcome,
        status,
        cause: "Q.850;cause=17".to_owned(),
    }
}

pub fn transfer(outcome: TransferOutcome, answered: Option<Wall>) -> TransferRecord {
    TransferRecord {
        key: "110".into(),
        city: "遵义".into(),
        dialled: "0852110".into(),
        reason: "事发地".into(),
        at: Wall(-1),
        answered,
        outcome,
        status: 503,
        cause: "Q.850;cause=34".to_owned(),
        events: Vec::new(),
        tried: vec![PeerTried {
            trunk: "telecom".to_owned(),
            peer: "192.0.2.10:5060".to_owned(),
            status: 503,
        }],
    }
}
