//! Does every call of the play have exactly one record, and does it say what happened?

use meishier_config::Lang;
use meishier_model::{
    CallRecord, OfferOutcome, OfferRecord, Outcome, ReleasedBy, TransferOutcome, TransferRecord,
};
use meishier_phones::cast::{CallResult, Script, Side};
use std::collections::BTreeMap;

/// What is wrong with a call's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Missing,
    /// There is more than one.
    Several(usize),
    /// The call came to something else.
    Outcome(Outcome),
    /// Somebody else hung up.
    ReleasedBy(ReleasedBy),
    /// Another seat answered.
    Seat,
    /// An offer that was made is not there.
    NoOffer(OfferOutcome),
    /// The key is not there, or not with what came of it.
    Transfer,
    /// The time line of the key does not tell this, or not in its turn.
    TimeLine(&'static str),
}

impl Fault {
    /// For people.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Missing, Lang::Zh) => "没有通话记录".into(),
            (Self::Missing, Lang::En) => "there is no record".into(),
            (Self::Several(n), Lang::Zh) => format!("有 {n} 条通话记录"),
            (Self::Several(n), Lang::En) => format!("there are {n} records"),
            (Self::Outcome(it), Lang::Zh) => format!("记录的结果是 {}", it.as_str()),
            (Self::Outcome(it), Lang::En) => format!("the record says {}", it.as_str()),
            (Self::ReleasedBy(it), Lang::Zh) => format!("记录的挂机方是 {}", it.as_str()),
            (Self::ReleasedBy(it), Lang::En) => {
                format!("the record says that {} hung up", it.as_str())
            }
            (Self::Seat, Lang::Zh) => "记录的坐席不对".into(),
            (Self::Seat, Lang::En) => "the record names another seat".into(),
            (Self::NoOffer(it), Lang::Zh) => format!("记录里缺少一次振铃（{}）", it.as_str()),
            (Self::NoOffer(it), Lang::En) => format!("the record lacks an offer: {}", it.as_str()),
            (Self::TimeLine(what), Lang::Zh) => format!("记录的转接时间线里缺少 {what}"),
            (Self::TimeLine(what), Lang::En) => {
                format!("the time line of the transfer lacks {what}")
            }
            (Self::Transfer, Lang::Zh) => "记录里的转接不对".into(),
            (Self::Transfer, Lang::En) => "the record is wrong about the transfer".into(),
        }
    }
}

/// The records by the Call-ID of the caller's INVITE.
pub struct Records(BTreeMap<String, Vec<CallRecord>>);

impl Records {
    /// Sorts the records.
    pub fn new(records: Vec<CallRecord>) -> Self {
        let mut sorted: BTreeMap<String, Vec<CallRecord>> = BTreeMap::new();
        for record in records {
            let of_call = sorted.entry(record.sip_call_id.clone());
            of_call.or_default().push(record);
        }
        Self(sorted)
    }

    fn of(&self, result: &CallResult) -> &[CallRecord] {
        self.0.get(&result.sip_call_id).map_or(&[], Vec::as_slice)
    }

    /// The one record of a call, if there is just one.
    pub fn only(&self, result: &CallResult) -> Option<&CallRecord> {
        match self.of(result) {
            [record] => Some(record),
            _ => None,
        }
    }

    /// How many records the calls have together.
    pub fn count(&self, results: &[CallResult]) -> usize {
        results.iter().map(|result| self.of(result).len()).sum()
    }

    /// What is wrong with the record of a call.
    pub fn fault(&self, result: &CallResult) -> Option<Fault> {
        match self.of(result) {
            [] => Some(Fault::Missing),
            // A call that went wrong is told as such; its record need not follow the script.
            [record] if result.ok => differs(result, record),
            [_] => None,
            several => Some(Fault::Several(several.len())),
        }
    }
}

fn differs(result: &CallResult, record: &CallRecord) -> Option<Fault> {
    let outcome = if result.script.answered() {
        Outcome::Answered
    } else {
        Outcome::Abandoned
    };
    let released_by = match result.script {
        Script::Talk { ends: Side::Seat } => ReleasedBy::Seat,
        _ => ReleasedBy::Caller,
    };
    if record.outcome != outcome {
        return Some(Fault::Outcome(record.outcome));
    }
    if record.released_by != released_by {
        return Some(Fault::ReleasedBy(record.released_by));
    }
    if record.seat != result.seat {
        return Some(Fault::Seat);
    }
    if let Some(missing) = missing_offer(result.script, &record.offers) {
        return Some(Fault::NoOffer(missing));
    }
    match record.transfers.as_slice() {
        [] => result.transferred.then_some(Fault::Transfer),
        [one] if result.transferred && one.outcome == TransferOutcome::Joined => {
            untold(one).map(Fault::TimeLine)
        }
        _ => Some(Fault::Transfer),
    }
}

/// What the time line of a use of the key has to tell, in this order.
const TOLD: [&str; 5] = [
    "dialling",
    "ringing",
    "joined",
    "confirmed",
    "counsellor_left",
];

/// True if the record tells all of every use of the key.
pub fn whole_time_lines(record: &CallRecord) -> bool {
    record.transfers.iter().all(|it| untold(it).is_none())
}

/// What it does not tell in its turn.
fn untold(transfer: &TransferRecord) -> Option<&'static str> {
    let mut events = transfer.events.iter();
    TOLD.into_iter()
        .find(|what| !events.any(|event| event.what == *what))
}

/// The offer that the script made happen and the record lacks. Others may be there too: on a busy
/// machine a seat may ring out that was about to answer.
fn missing_offer(script: Script, offers: &[OfferRecord]) -> Option<OfferOutcome> {
    let has = |outcome| offers.iter().any(|offer| offer.outcome == outcome);
    let refused = |status| {
        let fits = |o: &OfferRecord| o.outcome == OfferOutcome::Refused && o.status == status;
        offers.iter().any(fits)
    };
    let answered = (offers.last()).is_some_and(|offer| offer.outcome == OfferOutcome::Answered);
    let seen = match script {
        Script::SeatRefuses { status } => (refused(status), OfferOutcome::Refused),
        Script::SeatIgnores => (has(OfferOutcome::NoAnswer), OfferOutcome::NoAnswer),
        Script::GiveUpRinging => (has(OfferOutcome::CallerGone), OfferOutcome::CallerGone),
        Script::Talk { .. } | Script::GiveUpWaiting | Script::Danger => {
            (true, OfferOutcome::Answered)
        }
    };
    match seen {
        (false, outcome) => Some(outcome),
        (true, _) if script.answered() != answered => Some(OfferOutcome::Answered),
        (true, _) => None,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use meishier_model::{CallId, DialString, RtpStats, TransferEvent, Wall};

    pub fn result(script: Script) -> CallResult {
        CallResult {
            call: 1,
            script,
            sip_call_id: "a".into(),
            ok: true,
            why_not: None,
            answered: script.answered(),
            seat: script.answered().then(|| "gz01".into()),
            answer_time_ms: None,
            waiting_sound_ms: 0,
            both_ways_ms: 1_500,
            transferred: script == Script::Danger,
            handed_over: script == Script::Danger,
        }
    }

    fn offer(outcome: OfferOutcome, status: u16) -> OfferRecord {
        OfferRecord {
            seat: "gz01".into(),
            counsellor: "v01".into(),
            pool: "province".into(),
            at: Wall(0),
            rang_ms: 0,
            outcome,
            status,
            cause: String::new(),
        }
    }

    fn record(outcome: Outcome, offers: Vec<OfferRecord>) -> CallRecord {
        CallRecord {
            call: CallId(1),
            trunk: "carrier".into(),
            caller: DialString::new("13985000001"),
            called: DialString::new("12356"),
            sip_call_id: "a".into(),
            arrived: Wall(0),
            answered: None,
            ended: Wall(0),
            waited_ms: 0,
            talked_ms: 0,
            outcome,
            released_by: ReleasedBy::Caller,
            status: 0,
            cause: String::new(),
            seat_cause: String::new(),
            pool: None,
            line: None,
            seat: (outcome == Outcome::Answered).then(|| "gz01".into()),
            counsellor: None,
            route: Vec::new(),
            route_reason: String::new(),
            table: String::new(),
            rules: Vec::new(),
            risk: false,
            nuisance: false,
            offers,
            transfers: Vec::new(),
            rtp_caller: RtpStats::default(),
            rtp_seat: RtpStats::default(),
            recording: None,
            call_back: None,
        }
    }

    fn fault(script: Script, record: CallRecord) -> Option<Fault> {
        Records::new(vec![record]).fault(&result(script))
    }

    #[test]
    fn one_record_a_call() {
        let talk = result(Script::Talk { ends: Side::Caller });
        assert_eq!(Records::new(vec![]).fault(&talk), Some(Fault::Missing));
        let good = record(Outcome::Answered, vec![offer(OfferOutcome::Answered, 200)]);
        assert_eq!(Records::new(vec![good.clone()]).fault(&talk), None);
        let twice = Records::new(vec![good.clone(), good]);
        assert_eq!(twice.fault(&talk), Some(Fault::Several(2)));
        assert_eq!(twice.count(&[talk]), 2);
    }

    #[test]
    fn the_record_agrees_with_the_script() {
        let answered = || offer(OfferOutcome::Answered, 200);
        let talk = Script::Talk { ends: Side::Caller };
        let bad = record(Outcome::Abandoned, vec![answered()]);
        assert_eq!(fault(talk, bad), Some(Fault::Outcome(Outcome::Abandoned)));
        let by_seat = Script::Talk { ends: Side::Seat };
        let bad = record(Outcome::Answered, vec![answered()]);
        assert_eq!(
            fault(by_seat, bad),
            Some(Fault::ReleasedBy(ReleasedBy::Caller))
        );
        let mut bad = record(Outcome::Answered, vec![answered()]);
        bad.seat = Some("gz02".into());
        assert_eq!(fault(talk, bad), Some(Fault::Seat));

        let refuses = Script::SeatRefuses { status: 486 };
        let good = vec![offer(OfferOutcome::Refused, 486), answered()];
        assert_eq!(fault(refuses, record(Outcome::Answered, good)), None);
        let bad = vec![offer(OfferOutcome::Refused, 603), answered()];
        let lacks = Some(Fault::NoOffer(OfferOutcome::Refused));
        assert_eq!(fault(refuses, record(Outcome::Answered, bad)), lacks);
        let bad = record(Outcome::Answered, vec![answered()]);
        let lacks = Some(Fault::NoOffer(OfferOutcome::NoAnswer));
        assert_eq!(fault(Script::SeatIgnores, bad), lacks);
        let bad = record(Outcome::Abandoned, vec![]);
        let lacks = Some(Fault::NoOffer(OfferOutcome::CallerGone));
        assert_eq!(fault(Script::GiveUpRinging, bad), lacks);
        let good = record(Outcome::Abandoned, vec![]);
        assert_eq!(fault(Script::GiveUpWaiting, good), None);
    }

    #[test]
    fn the_key_is_in_the_record() {
        let mut with_key = record(Outcome::Answered, vec![offer(OfferOutcome::Answered, 200)]);
        assert_eq!(
            fault(Script::Danger, with_key.clone()),
            Some(Fault::Transfer)
        );
        with_key.transfers.push(TransferRecord {
            key: "110".into(),
            city: "贵阳".into(),
            dialled: "0851110".into(),
            reason: String::new(),
            at: Wall(0),
            answered: Some(Wall(1)),
            outcome: TransferOutcome::Joined,
            status: 200,
            cause: String::new(),
            tried: Vec::new(),
            events: TOLD
                .iter()
                .map(|what| TransferEvent::new(Wall(1), what, String::new()))
                .collect(),
        });
        assert_eq!(fault(Script::Danger, with_key.clone()), None);
        let mut gap = with_key.clone();
        gap.transfers[0].events.remove(3);
        let lacks = Some(Fault::TimeLine("confirmed"));
        assert_eq!(fault(Script::Danger, gap), lacks);
        let mut early = with_key.clone();
        early.transfers[0].events.swap(2, 4);
        let lacks = Some(Fault::TimeLine("confirmed"));
        assert_eq!(fault(Script::Danger, early), lacks);
        let talk = Script::Talk { ends: Side::Caller };
        assert_eq!(fault(talk, with_key), Some(Fault::Transfer));
    }
}
