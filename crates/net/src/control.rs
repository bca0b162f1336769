//! The way in for people and programs: commands, civil time, figures.

use crate::certificates::{Certificates, Keyring};
use crate::clock::Clock;
use crate::inbox::{Inbox, Letter};
use crate::names::Names;
use crate::registrations::Registrations;
use crate::rtp::{Order, Orders};
use crate::stats::{ShardStats, Stats};
use crate::topology::Topology;
use meishier_engine::config::Config;
use meishier_engine::media::RtpTotals;
use meishier_engine::queue::Queue;
use meishier_engine::routing::Note;
use meishier_engine::{Command, Reply};
use meishier_model::{ShardId, Wall};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The engine did not answer: it has ended, or has too many commands under way. Ask again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine does not answer: it is shutting down, or overloaded")
    }
}

impl std::error::Error for Unavailable {}

/// A handle on a running engine. Clones are cheap; all of them go dead when the engine ends.
#[derive(Clone)]
pub struct Control(Arc<Reach>);

/// Everything that a [`Control`] reaches.
pub(crate) struct Reach {
    pub topology: Topology,
    pub clock: Clock,
    pub queue: Arc<Queue>,
    pub inboxes: Vec<Arc<Inbox>>,
    pub media: Vec<Arc<Orders>>,
    pub registrations: Arc<Registrations>,
    pub keyring: Arc<Keyring>,
    pub names: Arc<Names>,
    pub rtp_ports_failed: u64,
}

impl Control {
    pub(crate) fn new(reach: Reach) -> Self {
        Self(Arc::new(reach))
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.0.topology.shards
    }

    /// The clock that the shards see.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The queue, for views of who waits.
    #[must_use]
    pub fn queue(&self) -> &Arc<Queue> {
        &self.0.queue
    }

    /// Carries a command out at the shard that it concerns; one that concerns all goes to shard 0
    /// only, see [`Self::command_all`].
    ///
    /// # Errors
    /// [`Unavailable`] if the engine has ended or takes no more commands at the moment.
    pub async fn command(&self, command: Command) -> Result<Reply, Unavailable> {
        let shard = command.shard(self.shards()).unwrap_or(ShardId(0));
        let reply = self.begin(shard, command)?;
        reply.await.map_err(|_| Unavailable)
    }

    /// Carries a command out at every shard; the answers in order of the shards. One that does not
    /// answer is left out.
    pub async fn command_all(&self, command: Command) -> Vec<Reply> {
        let shards = (0..self.shards()).map(ShardId);
        let begun: Vec<_> = shards
            .map(|shard| self.begin(shard, command.clone()))
            .collect();
        let mut replies = Vec::with_capacity(begun.len());
        for reply in begun.into_iter().flatten() {
            replies.extend(reply.await.ok());
        }
        replies
    }

    fn begin(
        &self,
        shard: ShardId,
        command: Command,
    ) -> Result<oneshot::Receiver<Reply>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let letter = Letter::Command {
            shard,
            command,
            reply,
        };
        let inbox = &self.0.inboxes[self.0.topology.worker_of(shard)];
        inbox.letter(letter).map_err(|_| Unavailable)?;
        Ok(answer)
    }

    /// Gives every shard another configuration; on return all of them follow it. It must have the
    /// identity of the one that the engine was started with ([`Config::same_identity`]): the shards
    /// ignore another. One at a time: of two at once, shards may keep different ones.
    ///
    /// # Errors
    /// [`Unavailable`] if the engine has ended.
    pub async fn configure(&self, config: &Arc<Config>) -> Result<(), Unavailable> {
        self.give_all(|done| Letter::Configure(Arc::clone(config), done))
            .await?;
        // Only now: what is found is of the trunks as they are.
        if let Err(error) = self.0.names.follow(config) {
            tracing::error!(%error, "names of trunks cannot be looked up");
        }
        Ok(())
    }

    /// Puts other certificates in force for connections from now on; those that are open stay.
    pub fn secure_with(&self, certificates: Option<Certificates>) {
        self.0.keyring.change(certificates);
    }

    /// Tells every shard what people say of numbers; on return all of them know it. Running calls
    /// stay as they are.
    ///
    /// # Errors
    /// [`Unavailable`] if the engine has ended.
    pub async fn remember(&self, notes: &[Note]) -> Result<(), Unavailable> {
        self.give_all(|done| Letter::Remember(notes.to_vec(), done))
            .await
    }

    /// Gives every worker a letter, and waits until each has acted upon it.
    async fn give_all(
        &self,
        letter: impl Fn(oneshot::Sender<()>) -> Letter,
    ) -> Result<(), Unavailable> {
        let mut given = Vec::with_capacity(self.0.inboxes.len());
        for inbox in &self.0.inboxes {
            let (done, answer) = oneshot::channel();
            let mut letter = letter(done);
            while let Err(back) = inbox.letter(letter) {
                if inbox.is_closed() {
                    return Err(Unavailable);
                }
                letter = back;
                // The worker is emptying its inbox at this moment.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            given.push(answer);
        }
        for answer in given {
            answer.await.map_err(|_| Unavailable)?;
        }
        Ok(())
    }

    /// Makes it `wall` now, and lets every shard evaluate its schedules before this returns.
    pub async fn set_wall(&self, wall: Wall) {
        self.0.clock.set_wall(wall);
        self.command_all(Command::Reschedule).await;
    }

    /// Figures of this moment, shard by shard. What does not answer (the engine ends) is left out.
    pub async fn stats(&self) -> Stats {
        let mut stats = Stats {
            dns: self.0.names.counts(),
            registered_users: self.0.registrations.len() as u64,
            ..Stats::default()
        };
        let workers: Vec<_> = self
            .0
            .inboxes
            .iter()
            .map(|inbox| {
                let (reply, answer) = oneshot::channel();
                inbox.letter(Letter::Stats(reply)).map(|()| answer)
            })
            .collect();
        let media: Vec<_> = self
            .0
            .media
            .iter()
            .map(|orders| {
                let (reply, answer) = oneshot::channel();
                orders.push(Order::Report(reply)).map(|()| answer)
            })
            .collect();
        for answer in workers.into_iter().flatten() {
            let Ok(report) = answer.await else { continue };
            stats.sip.add(&report.sockets);
            for (shard, gauges, counters) in report.shards {
                stats.shards.push(ShardStats {
                    shard,
                    gauges,
                    counters,
                });
            }
        }
        for answer in media.into_iter().flatten() {
            let Ok((totals, sockets)) = answer.await else {
                continue;
            };
            add_totals(&mut stats.media, &totals);
            stats.rtp.add(&sockets);
        }
        stats.rtp.ports_failed = self.0.rtp_ports_failed;
        stats.shards.sort_by_key(|shard| shard.shard);
        stats
    }
}

fn add_totals(sum: &mut RtpTotals, more: &RtpTotals) {
    sum.received += more.received;
    sum.sent += more.sent;
    sum.wrong_source += more.wrong_source;
    sum.malformed += more.malformed;
    sum.forged += more.forged;
    sum.replayed += more.replayed;
    sum.rtcp += more.rtcp;
    sum.rtcp_malformed += more.rtcp_malformed;
    sum.reports += more.reports;
    sum.wrong_direction += more.wrong_direction;
    sum.late += more.late;
    sum.unsent += more.unsent;
    sum.lost_digits += more.lost_digits;
    sum.skipped_beats += more.skipped_beats;
    sum.open += more.open;
}
