//! What must hold, at every moment and at the end.

use crate::scene::Scene;
use crate::world::seat_bye;
use meishier_engine::{Input, Notice, Phase, SeatState, SeatStatus};
use meishier_model::{CallId, SeatId, TransferOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Scene {
    /// What must hold at every moment.
    pub fn check(&mut self) {
        for notice in &self.world.notices {
            let excused = self.disorder.late
                && matches!(notice, Notice::Unexpected(what) if what.starts_with("media did not"));
            assert!(
                excused || !matches!(notice, Notice::Unexpected(_)),
                "{notice:?}"
            );
            if let Notice::Arrived { call, .. } = notice {
                self.accepted.insert(*call);
            }
        }
        let recorded: BTreeSet<CallId> = self.world.records.iter().map(|r| r.call).collect();
        assert_eq!(
            recorded.len(),
            self.world.records.len(),
            "one record a call"
        );
        let alive: BTreeSet<CallId> = self
            .world
            .shards
            .iter()
            .flat_map(|s| s.calls().collect::<Vec<_>>())
            .collect();
        assert!(recorded.is_disjoint(&alive));
        let all: BTreeSet<CallId> = recorded.union(&alive).copied().collect();
        assert_eq!(all, self.accepted, "no call vanishes");
        for record in &self.world.records {
            assert!(record.ended >= record.arrived);
            assert!(
                record
                    .answered
                    .is_none_or(|at| at >= record.arrived && at <= record.ended)
            );
        }
        if self.world.post.as_ref().is_none_or(|post| post.ways() == 0) {
            self.seats_and_calls_agree();
            self.nobody_is_stranded();
        }
    }

    /// A seat that rings or talks does so for a call that knows of it, and nobody else does for it.
    fn seats_and_calls_agree(&self) {
        let views: Vec<_> = (self.world.shards.iter())
            .map(|shard| shard.view(self.world.now))
            .collect();
        let phases: BTreeMap<CallId, Phase> = (views.iter().flat_map(|v| &v.calls))
            .map(|call| (call.call, call.phase))
            .collect();
        let shards = self.world.shards.iter();
        let mut called_in: BTreeSet<(CallId, SeatId)> = shards
            .flat_map(|shard| shard.called_in().collect::<Vec<_>>())
            .map(|(call, seat, _)| (call, seat))
            .collect();
        let mut seen = BTreeSet::new();
        for seat in views.iter().flat_map(|v| &v.seats) {
            let Some(call) = seat.call else { continue };
            if called_in.remove(&(call, seat.seat)) {
                let rings = matches!(seat.state, SeatState::Offered | SeatState::Talking);
                assert!(rings && phases.get(&call) == Some(&Phase::Transferring));
                continue;
            }
            assert!(seen.insert(call), "two seats for one call");
            let phase = phases.get(&call);
            let fits = match seat.state {
                SeatState::Offered => phase == Some(&Phase::Offered),
                SeatState::Talking => {
                    matches!(phase, Some(Phase::Talking | Phase::Transferring))
                }
                _ => false,
            };
            assert!(fits, "{:?} for a call that is {phase:?}", seat.state);
        }
        assert!(
            called_in.is_empty(),
            "called in, and not there: {called_in:?}"
        );
        for (call, phase) in phases {
            if matches!(phase, Phase::Offered | Phase::Talking) {
                assert!(seen.contains(&call), "{phase:?} without a seat");
            }
        }
    }

    /// A ready seat and a caller who waits for its pool do not coexist.
    fn nobody_is_stranded(&self) {
        let mut queued = 0;
        let mut ready = Vec::new();
        for shard in &self.world.shards {
            let view = shard.view(self.world.now);
            queued += view
                .calls
                .iter()
                .filter(|c| c.phase == Phase::Queued)
                .count();
            // A request for the second line waits as a caller does, until it has a seat.
            queued += shard.requests().count() - shard.called_in().count();
            ready.extend(
                view.seats
                    .into_iter()
                    .filter(|s| s.state == SeatState::Ready),
            );
        }
        assert_eq!(
            queued,
            self.world.queue.counts().waiting as usize,
            "the queue knows who waits"
        );
        assert_eq!(
            ready.len(),
            self.world.queue.counts().ready as usize,
            "the queue knows who is ready"
        );
        let (config, used) = (&self.world.config, self.world.queue.counts().lines_used);
        for waiting in self.world.queue.waiting_list() {
            for pool in &waiting.rings[..usize::from(waiting.open)] {
                let serves = |s: &&SeatStatus| config.seats[s.seat.0 as usize].pools.contains(pool);
                let open = config.routing.lines(*pool, self.world.now.wall);
                assert!(
                    used[usize::from(pool.0)] >= open || !ready.iter().any(|s| serves(&s)),
                    "a caller waits beside a free seat and a free line"
                );
            }
        }
    }

    /// How many uses of a key, or of a supervisor's telephone, brought somebody in: by name of the key.
    fn brought_in(&self) -> BTreeMap<String, u32> {
        let mut brought = BTreeMap::new();
        let transfers = self.world.records.iter().flat_map(|it| &it.transfers);
        for transfer in transfers.filter(|it| it.outcome == TransferOutcome::Joined) {
            *brought.entry(transfer.key.clone()).or_default() += 1;
        }
        brought
    }

    /// Everybody goes, and nothing is left; who was brought in meanwhile.
    pub fn end(mut self) -> BTreeMap<String, u32> {
        self.configure(0);
        for name in self.callers.keys().cloned().collect::<Vec<_>>() {
            if self.vanished.is_gone(&format!("{name}@caller")) {
                continue;
            }
            // Whoever hung up does so again: the first time may have been before the 200.
            self.hang_up(&name);
            self.read_mail();
        }
        // Who was called for a caller stays with the counsellor until one of them hangs up.
        while let Some((_, invite)) = self.far.talking.pop_first() {
            seat_bye(&mut self.world, &invite);
            self.read_mail();
        }
        self.disorder.lossy = false;
        for _ in 0..20 {
            self.media_listens();
            self.world.pass(Duration::from_secs(15));
            self.world.deliver_all();
            self.read_mail();
        }
        self.world.deliver_all();
        self.only_the_vanished_were_buried();
        self.check();
        for token in &self.asked {
            let replies = self.world.replies.get(token).map_or(0, Vec::len);
            assert_eq!(replies, 1, "one answer a command");
        }
        assert_eq!(self.world.records.len(), self.accepted.len());
        let gauges = self.world.gauges();
        assert_eq!(
            (gauges.calls, gauges.legs, gauges.ports, gauges.transactions),
            (0, 0, 0, 0)
        );
        assert_eq!(self.world.queue.counts().waiting, 0);
        assert!(
            self.world
                .queue
                .counts()
                .lines_used
                .iter()
                .all(|used| *used == 0),
            "every line is free again"
        );
        for shard in &mut self.world.shards {
            shard.handle(self.world.now, Input::Inbox);
            assert!(shard.idle());
            assert!(shard.poll_output().is_none());
        }
        self.brought_in()
    }
}
