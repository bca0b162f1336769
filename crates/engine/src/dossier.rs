//! The dossier of a caller who is handed over: made from the call, sent where it is to go.
//!
//! | when | what goes |
//! | --- | --- |
//! | a key is pressed | the dossier, to the receivers of that key ([`Output::Dossier`]) |
//! | the counsellor writes something down after that | the whole of it again, under the next count |
//! | an INVITE goes out by a trunk that `tells` it, for a key that has `dossier` | place and data within it |
//! | the target answers a key that has `brief` | [`Shard::briefing`]: what is said to it first |
//!
//! Whichever way it goes, the driver is told, and writes it down.

use crate::api::{CommandError, Output, Reply};
use crate::call::Call;
use crate::call_back::note_consent;
use crate::shard::Shard;
use meishier_config::{Tells, Trunk};
use meishier_media::{PromptId, prompts};
use meishier_model::{CallId, DialString, Now};
use meishier_routing::{
    Atlas, Confidence, Evidence, Found, Number, Places, RiskWhy, Source as PlaceSource,
};
use meishier_signaling::Attached;
use meishier_transfer::dossier::{
    Along, Caller, Desk, Dossier, Facts, LONGEST_FACT, Place, Risk, Spoken, Step, Sure, Told, Via,
};
use meishier_transfer::{Key, Target, ThirdId};
use serde::{Deserialize, Serialize};

/// Most dossiers of one call; what is written down after that goes along no more.
const MOST: u32 = 64;
/// Most targets of one call that are told what is written down after they were dialled.
const MOST_TARGETS: usize = 8;

/// What the counsellor said of a place; empty if nothing. `Debug` shows nothing of it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Words(pub(crate) String);

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Words({})", self.0.chars().count())
    }
}

/// For whom a dossier is. `Debug` says who it is of the call's parties, and no place.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Handed {
    third: ThirdId,
    target: Target,
    given: Words,
    /// The key's name, and the key as it was pressed.
    #[serde(default)]
    name: String,
    #[serde(default)]
    key: Option<Box<Key>>,
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handed").field(&self.third).finish()
    }
}

impl Handed {
    fn of(call: &Call, third: ThirdId) -> Option<Self> {
        let side = call.third(third)?;
        Some(Self {
            third,
            target: side.target.clone(),
            given: side.given.clone(),
            name: side.key_name(call).to_owned(),
            key: side.key.clone(),
        })
    }
}

impl Shard {
    /// The counsellor wrote something down: it takes the place of all before, and goes to whoever got a
    /// dossier of this call already.
    pub(crate) fn on_facts(&mut self, now: Now, token: u64, id: CallId, facts: Facts) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            if call.ending.is_some() {
                return;
            }
            result = facts.check().map_err(CommandError::UnfitFacts);
            if result.is_ok() && call.facts != facts {
                note_consent(now, call, &facts);
                let news = told(&call.facts) != told(&facts);
                call.facts = facts;
                for handed in call.handed.clone().iter().filter(|_| news) {
                    shard.emit_dossier(now, call, handed);
                }
            }
        });
        self.reply(token, Reply::Done(result));
    }

    /// A key was pressed, or its place settled: sends its dossier at once to all who get it. `given` is
    /// what the counsellor said of the place. The transfer stands in the call's record already.
    pub(crate) fn send_dossier(&mut self, now: Now, call: &mut Call, third: ThirdId, given: &str) {
        if let Some(side) = call.third_mut(third) {
            side.given = Words(given.chars().take(LONGEST_FACT).collect());
        }
        let Some(handed) = Handed::of(call, third) else {
            return;
        };
        if !self.has_receiver(&handed) {
            return;
        }
        // What is known of a place that was settled since takes the place of what was thought before.
        call.handed.retain(|it| it.third != third);
        if call.handed.len() < MOST_TARGETS {
            call.handed.push(handed.clone());
        }
        self.emit_dossier(now, call, &handed);
    }

    fn key_handed<'a>(&'a self, handed: &'a Handed) -> Option<&'a Key> {
        self.key_of(&handed.name, handed.key.as_deref())
    }

    fn has_receiver(&self, handed: &Handed) -> bool {
        let Some(key) = self.key_handed(handed) else {
            return false;
        };
        let receivers = &self.config.dossier.receivers;
        receivers
            .iter()
            .any(|it| it.takes(&key.name, key.is_emergency()))
    }

    fn emit_dossier(&mut self, now: Now, call: &mut Call, handed: &Handed) {
        if call.dossiers >= MOST {
            return;
        }
        call.dossiers += 1;
        if let Some(dossier) = self.dossier_of(now, call, handed) {
            self.outputs.push_back(Output::Dossier(Box::new(dossier)));
        }
    }

    /// What this target hears before it joins, which is written down; empty if the key is not there any
    /// more.
    pub(crate) fn briefing(&mut self, now: Now, call: &Call, third: ThirdId) -> Vec<PromptId> {
        let dossier = Handed::of(call, third).and_then(|it| self.dossier_of(now, call, &it));
        let Some(dossier) = dossier else {
            return Vec::new();
        };
        let spoken = dossier.spoken();
        self.write_down(dossier, Via::Voice);
        prompts::playlist(spoken.into_iter().map(Spoken::name))
    }

    /// What went out by the telephone itself is in the audit as well.
    fn write_down(&mut self, dossier: Dossier, via: Via) {
        let dossier = Box::new(Dossier { via, ..dossier });
        self.outputs.push_back(Output::Dossier(dossier));
    }

    /// What goes along in an INVITE to this target by that trunk, which is written down; `None` if nothing
    /// does.
    pub(crate) fn attached(
        &mut self,
        now: Now,
        call: &Call,
        third: ThirdId,
        (trunk, sdp): (&Trunk, &[u8]),
    ) -> Option<Attached> {
        // Whoever is called back is told nothing: it may be anybody who answers.
        call.third(third).filter(|it| !it.is_call_back())?;
        let handed = Handed::of(call, third)?;
        let key = self.key_handed(&handed)?;
        let along = Along {
            location: trunk.tells.contains(Tells::LOCATION),
            data: trunk.tells.contains(Tells::DOSSIER),
        };
        // The number of who withholds it goes to those alone who come to save a life.
        let fits = key.dossier && (key.is_emergency() || !call.withheld);
        if !fits || along == Along::default() {
            return None;
        }
        let dossier = self.dossier_of(now, call, &handed)?;
        let parts = dossier.sip(sdp, along);
        if parts.headers.is_empty() {
            return None;
        }
        self.write_down(dossier, Via::Invite(trunk.name.clone()));
        Some(Attached {
            headers: parts.headers,
            content_type: parts.content_type,
            body: parts.body,
        })
    }

    /// All that is known of this call, for that target; `None` if its key is not there any more.
    pub(crate) fn dossier_of(&self, now: Now, call: &Call, handed: &Handed) -> Option<Dossier> {
        let target = &handed.target;
        let key = self.key_handed(handed)?;
        Some(Dossier {
            call: call.id,
            via: Via::Https,
            count: call.dossiers.max(1),
            made: now.wall,
            arrived: call.arrived.wall,
            answered: call.answer.map(|answer| answer.at.wall),
            key: key.name.clone(),
            title: key.title.clone(),
            emergency: key.is_emergency(),
            desk: self.desk_of(call),
            caller: caller_of(call, key.is_emergency()),
            places: self.places_of(call, handed),
            doubt: target.doubt.clone(),
            risk: Risk {
                flagged: call.entry.risk,
                by: call.known.risk.map_or("", risk_words).to_owned(),
            },
            facts: told(&call.facts),
            done: steps_of(call),
        })
    }

    fn desk_of(&self, call: &Call) -> Desk {
        let config = &self.config;
        let answer = call.answer.as_ref();
        let pool = answer.and_then(|it| config.pools.get(usize::from(it.line.pool.0)));
        let seat = answer.and_then(|it| config.seats.get(it.seat.0 as usize));
        let person = answer.and_then(|it| config.counsellors.get(it.counsellor.0 as usize));
        let trunk = config.trunk(call.trunk);
        Desk {
            agency: config.name.clone(),
            domain: config.sip.domain.clone(),
            number: trunk.map_or_else(String::new, |it| it.outgoing_number.clone()),
            pool: pool.map_or_else(String::new, |it| it.name.clone()),
            line: answer.map(|it| it.line.number),
            seat: seat.map_or_else(String::new, |it| it.name.clone()),
            counsellor: person.map_or_else(String::new, |it| it.account.clone()),
        }
    }

    /// Where the caller may be: what the counsellor settled, then what the network tells, each once.
    fn places_of(&self, call: &Call, handed: &Handed) -> Vec<Place> {
        let trunk = self.config.trunk(call.trunk);
        let code = trunk.and_then(|it| it.area_code.as_deref());
        let gazetteer = self.config.routing.gazetteer();
        let cell = call.cell.as_ref();
        let found = gazetteer.places(&Evidence {
            trunk: call.trunk,
            caller: &Number::in_area(call.caller.reveal(), code),
            called: &Number::in_area(call.called.reveal(), code),
            cell: cell.map(|cell| cell.reveal()),
        });
        let told = self.told_place(call, handed);
        let Places {
            called,
            here,
            home,
            ambiguous: _,
        } = found;
        let network = [here, home, called].into_iter().flatten();
        let network = network.filter_map(|it| place_of(gazetteer.atlas(), &it, call));
        let network = network.map(|it| match call.switchboard && it.by != Told::Cell {
            // Whoever sits behind the number may sit anywhere.
            true => Place {
                sure: Confidence::Low,
                ..it
            },
            false => it,
        });
        let mut out: Vec<Place> = told.into_iter().collect();
        for place in network {
            // The same city by the same sign need not be told twice.
            if !out
                .iter()
                .any(|it| it.by == place.by && it.city == place.city)
            {
                out.push(place);
            }
        }
        if let Some(cell) = cell.filter(|_| !out.iter().any(|it| it.by == Told::Cell)) {
            // A cell of no table: whoever knows the network finds it.
            out.push(Place {
                by: Told::Cell,
                sure: Confidence::Low,
                province: String::new(),
                city: String::new(),
                area_code: String::new(),
                district: None,
                words: None,
                cell: Some(cell.clone()),
            });
        }
        out
    }

    /// The place that the counsellor gave at the key or wrote down; nothing if neither: then the key went
    /// by what the network tells.
    fn told_place(&self, call: &Call, handed: &Handed) -> Option<Place> {
        let (target, facts) = (&handed.target, &call.facts);
        let given = Some(handed.given.0.trim()).filter(|it| !it.is_empty());
        let words = facts.place.clone().or(given.map(str::to_owned));
        if words.is_none() && facts.district.is_none() {
            return None;
        }
        let atlas = self.config.routing.gazetteer().atlas();
        // What the key went by may be the network's word alone: that is not the counsellor's.
        let districts = &self.config.transfer.districts;
        let reads = |words: &String| districts.may_mean(words, &target.city);
        let said = [facts.place.as_ref(), Some(&handed.given.0)];
        let said = target.doubt.is_empty() && said.into_iter().flatten().any(reads);
        let city = atlas.find(&target.city).ok().filter(|_| said);
        let city = city.and_then(|id| atlas.city(id));
        let sure = match target.doubt.is_empty() {
            true => Confidence::High,
            false => Confidence::Low,
        };
        Some(Place {
            by: Told::Counsellor,
            sure,
            province: city.map_or("", |it| it.province).to_owned(),
            city: city.map_or("", |it| it.name).to_owned(),
            area_code: city.map_or("", |it| it.area_code).to_owned(),
            district: facts.district.clone(),
            words,
            cell: None,
        })
    }
}

/// What goes to others of what was written down: how to call back is the house's own affair.
fn told(facts: &Facts) -> Facts {
    Facts {
        call_back: None,
        ..facts.clone()
    }
}

fn place_of(atlas: &Atlas, found: &Found, call: &Call) -> Option<Place> {
    let city = found.city.and_then(|id| atlas.city(id));
    let province = found.province.and_then(|id| atlas.province(id));
    let code = found.code.and_then(|id| atlas.code(id));
    let by = match found.by {
        PlaceSource::Block => Told::Block,
        PlaceSource::Cell => Told::Cell,
        PlaceSource::AreaCode => Told::AreaCode,
        PlaceSource::CalledCode => Told::Dialled,
        PlaceSource::Segment => Told::Segment,
    };
    let known = city.is_some() || province.is_some() || code.is_some();
    known.then(|| Place {
        by,
        sure: found.confidence,
        province: province.map_or("", |it| it.name).to_owned(),
        city: city.map_or("", |it| it.name).to_owned(),
        area_code: code.map_or("", |it| it.text).to_owned(),
        district: None,
        words: None,
        cell: call.cell.clone().filter(|_| by == Told::Cell),
    })
}

/// Who calls. A number that is withheld goes to those alone who come to save a life.
fn caller_of(call: &Call, emergency: bool) -> Caller {
    let number = match call.withheld && !emergency {
        true => DialString::default(),
        false => call.caller.clone(),
    };
    let sure = if !number.reveal().bytes().any(|b| b.is_ascii_digit()) {
        Sure::Unknown
    } else if call.switchboard {
        Sure::Switchboard
    } else if call.asserted {
        Sure::Asserted
    } else {
        Sure::Claimed
    };
    Caller {
        number,
        sure,
        withheld: call.withheld,
    }
}

fn risk_words(why: RiskWhy) -> &'static str {
    match why {
        RiskWhy::Listed => "在高风险名单上",
        RiskWhy::Flagged => "以前来电时被标记为高风险",
        RiskWhy::Dropped => "刚才的通话意外中断",
        RiskWhy::Key => "来电者按键表示有生命危险",
        RiskWhy::Route => "按来电路由规则",
        RiskWhy::Person => "咨询员标记为高风险",
    }
}

fn steps_of(call: &Call) -> Vec<Step> {
    let step = |at, what: String| Step { at, what };
    let mut out = vec![step(call.arrived.wall, "来电进入热线".to_owned())];
    out.extend(
        call.answer
            .map(|it| step(it.at.wall, "咨询员接听".to_owned())),
    );
    for transfer in &call.transfers {
        let (key, city) = (&transfer.key, &transfer.city);
        out.push(step(transfer.at, format!("按转接键 {key}（{city}）")));
        let answered = transfer.answered;
        out.extend(answered.map(|at| step(at, format!("{key} 已接听"))));
    }
    out.sort_by_key(|it| it.at);
    out
}
