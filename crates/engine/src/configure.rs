//! Another configuration while calls run.
//!
//! Whatever begins from now on follows the new one: arrivals, offers, rests, keys, trunks. What was
//! promised stays: who waits keeps the place and is decided anew, who talks keeps the line, the seat and the
//! codecs of its trunk, and timers that are set run out as they were set.
//!
//! | who | what happens at once |
//! | --- | --- |
//! | lines | follow the new schedule; a lowered number cuts no call |
//! | who waits | is decided anew by the new routes, with the old stamp |
//! | queue | other strategies, ageing and size; nobody who waits is sent away |
//! | ready seats | stand in their new pools with their new skills |
//! | counsellors no longer permitted | are signed off, those who talk after the conversation |
//! | telephones with an address now, or no longer | count as reachable, or as registered |
//! | trunks | get OPTIONS if they are to have them from now on; are registered, anew, or no longer |

use crate::api::{CommandError, Notice};
use crate::dispatch::queue_config;
use crate::seat::{Activity, SeatEffect};
use crate::seats::may_work;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::{Config, SeatContact};
use meishier_model::{CounsellorId, Now, SeatId, ShardId, TrunkId};
use std::sync::Arc;

impl Shard {
    pub(crate) fn configure(&mut self, now: Now, config: Arc<Config>) {
        if self.config.same_identity(&config).is_err() {
            return self.notice(Notice::Unexpected("a configuration of another identity"));
        }
        let before = std::mem::replace(&mut self.config, config);
        self.peers_follow(&before);
        if self.id == ShardId(0) {
            let rules = queue_config(&self.config, now.wall);
            if !self.queue.reconfigure(&rules) {
                self.notice(Notice::Unexpected("the queue did not take its rules"));
            }
            self.start_lines(now);
            self.ask_new_trunks(now);
        }
        self.follow_registrations(now);
        self.seats_follow(now);
        self.pools_follow();
    }

    /// Every seat at home here follows the configuration.
    pub(crate) fn seats_follow(&mut self, now: Now) {
        let seats: Vec<SeatId> = self.seats.keys().copied().collect();
        for seat in seats {
            self.leave_if_not_permitted(now, seat);
            self.follow_contact(now, seat);
            self.change_seat(now, seat, |machine| {
                // Who is in the queue already is replaced there, and stays ready since when it was.
                Ok(if machine.in_queue {
                    SeatEffect::Enter
                } else {
                    SeatEffect::None
                })
            });
        }
    }

    /// Trunks that are to be asked from now on; those that were asked before go on at their time.
    fn ask_new_trunks(&mut self, now: Now) {
        for (id, trunk) in (0..).map(TrunkId).zip(&self.config.trunks) {
            let timer = Timer::KeepAlive(id);
            if trunk.options_every.is_some() && !self.timers.holds(timer) {
                self.timers.set(now.mono, timer);
            }
        }
    }

    /// True if the seat's telephone registers.
    pub(crate) fn registers(&self, seat: SeatId) -> bool {
        let seat = self.config.seats.get(seat.0 as usize);
        seat.is_some_and(|seat| matches!(seat.contact, SeatContact::Register { .. }))
    }

    fn follow_contact(&mut self, now: Now, seat: SeatId) {
        let registered = self
            .config
            .seats
            .get(seat.0 as usize)
            .is_some_and(|it| !self.registrar.bindings(&it.name).is_empty());
        let reachable = registered || !self.registers(seat);
        self.change_seat(now, seat, |machine| {
            Ok(machine.handle_reachable(now.mono, reachable))
        });
    }

    /// True if this counsellor may work at this seat.
    pub(crate) fn permitted(&self, now: Now, seat: SeatId, who: CounsellorId) -> bool {
        let counsellor = self.config.counsellors.get(who.0 as usize);
        counsellor.is_some_and(|it| it.seats.contains(&seat) && may_work(it, now))
    }

    /// Signs off whoever may not be at the seat, unless there is a conversation.
    pub(crate) fn leave_if_not_permitted(&mut self, now: Now, seat: SeatId) {
        let Some(machine) = self.seats.get(&seat) else {
            return;
        };
        let Some(who) = machine.person.as_ref().map(|person| person.counsellor) else {
            return;
        };
        let talks = matches!(machine.activity, Activity::Talking { .. });
        if !talks && !self.permitted(now, seat, who) {
            let _: Option<CommandError> = self.sign_off(now, seat);
        }
    }
}
