//! What people see of a shard. Numbers are masked.

use crate::api::{AlarmView, CallView, PoolView, ShardView, ThirdView, TrunkView};
use crate::call::{Call, State, ThirdSide};
use crate::peers::Health;
use crate::pressed::seat_at_the_keys;
use crate::shard::Shard;
use meishier_model::{Now, PoolId, ShardId, TrunkId};
use meishier_transfer::ThirdId;
use std::collections::BTreeMap;

impl Shard {
    /// The calls that live here and the seats at home here.
    #[must_use]
    pub fn view(&self, now: Now) -> ShardView {
        let queued = |call: &Call| matches!(call.state, State::Queued);
        let somebody = self.calls.values().any(|call| queued(call));
        let positions = if somebody {
            self.queue.positions()
        } else {
            BTreeMap::new()
        };
        ShardView {
            calls: self
                .calls
                .values()
                .map(|call| {
                    let ahead = positions.get(&call.id).filter(|_| queued(call));
                    self.call_view(now, call, ahead.copied())
                })
                .collect(),
            seats: self
                .seats
                .keys()
                .filter_map(|seat| self.seat_status(now, *seat))
                .collect(),
            pools: if self.id == ShardId(0) {
                self.pool_views(now)
            } else {
                Vec::new()
            },
            alarms: self.alarms.iter().cloned().collect(),
            trunks: if self.id == ShardId(0) {
                self.trunk_views()
            } else {
                Vec::new()
            },
        }
    }

    fn trunk_views(&self) -> Vec<TrunkView> {
        let numbered = (0..).map(TrunkId).zip(&self.config.trunks);
        numbered
            .zip(&self.peers)
            .map(|((trunk, it), peers)| TrunkView {
                trunk,
                name: it.name.clone(),
                up: match peers.health() {
                    Health::Unknown => None,
                    Health::Up => Some(true),
                    Health::Down => Some(false),
                },
                registration: self.registrations.view(trunk),
            })
            .collect()
    }

    fn pool_views(&self, now: Now) -> Vec<PoolView> {
        let numbered = (0..).map(PoolId).zip(&self.config.pools);
        numbered
            .map(|(pool, it)| {
                let facts = self.pool_facts(now, pool);
                PoolView {
                    pool,
                    name: it.name.clone(),
                    service: self.pool_service(now, pool),
                    hand: self.pools.hand_in_force(pool, now).cloned(),
                    lines: facts.lines,
                    used: facts.used,
                    staffed: facts.staffed,
                }
            })
            .collect()
    }

    fn call_view(&self, now: Now, call: &Call, ahead: Option<u32>) -> CallView {
        let side = call.seat_side();
        let config = &self.config;
        CallView {
            call: call.id,
            phase: call.state.phase(),
            caller: if call.withheld {
                String::new()
            } else {
                call.caller.masked()
            },
            arrived: call.arrived.wall,
            age_ms: (now.mono - call.arrived.mono).as_millis() as u64,
            ahead,
            seat: seat_at_the_keys(call)
                .and_then(|seat| config.seats.get(seat.0 as usize))
                .map(|s| s.name.clone()),
            counsellor: side
                .and_then(|s| config.counsellors.get(s.counsellor.0 as usize))
                .map(|c| c.account.clone()),
            pool: side
                .and_then(|s| config.pools.get(usize::from(s.line.pool.0)))
                .map(|p| p.name.clone()),
            transfer: call.thirds.first().map(|it| dialled(call, it)),
            thirds: call.thirds.iter().map(|it| third_view(call, it)).collect(),
            alarms: (call.alarms.iter())
                .map(|it| AlarmView {
                    third: ThirdId(it.third),
                    key: it.key.clone(),
                    number: it.number.clone(),
                })
                .collect(),
            caller_gone: call.side.gone,
            call_back: self.call_back_view(now, call),
            recording: self.recording_state(call),
        }
    }
}

fn dialled(call: &Call, third: &ThirdSide) -> String {
    // Of several numbers the one at which it is looked for, or was found.
    let dial = third.target.dials.get(third.machine.current());
    if let Some(dial) = dial.filter(|it| !it.as_str().is_empty()) {
        return dial.as_str().to_owned();
    }
    let record = call.transfers.get(third.record);
    record.map_or(String::new(), |record| record.dialled.clone())
}

fn third_view(call: &Call, third: &ThirdSide) -> ThirdView {
    let record = call.transfers.get(third.record);
    ThirdView {
        third: third.id,
        role: third.role,
        key: record.map_or(String::new(), |record| record.key.clone()),
        dialled: dialled(call, third),
        state: third.machine.state(),
        mode: third.mode,
    }
}
