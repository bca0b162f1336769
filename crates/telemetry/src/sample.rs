//! What the driver reads for one scrape. All counts are totals since the start of the process.

use meishier_engine::api::Gauges;
use meishier_engine::queue::Figures;
use std::time::Duration;

/// Everything that is asked for at the moment of a scrape.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// One entry a shard.
    pub shards: Vec<ShardSample>,
    /// Of all media threads together.
    pub media: MediaSample,
    /// One entry a pool, in the order of the configuration.
    pub pools: Vec<PoolSample>,
    /// Callers that wait (a caller whom two pools may serve counts once here).
    pub waiting: u64,
    /// The queue's own work.
    pub queue: Figures,
    /// What the writer of records did.
    pub records: RecordsSample,
    /// What the recorder did; zeros without one.
    pub recordings: RecordingsSample,
    /// Dossiers of callers who were handed over.
    pub dossiers: DossierSample,
    /// What the SIP sockets did.
    pub sockets: SocketSample,
    /// Names of trunks that were looked up.
    pub dns: DnsSample,
    /// RTP ports that are bound, used or not.
    pub ports_bound: u64,
    /// Asynchronous tasks alive.
    pub tasks: u64,
}

/// One shard.
#[derive(Clone, Debug, Default)]
pub struct ShardSample {
    /// Its sizes.
    pub gauges: Gauges,
    /// Its SIP counts.
    pub sip: SipSample,
}

/// SIP counts of one shard.
#[derive(Clone, Debug, Default)]
pub struct SipSample {
    /// Requests received, by method; only names of RFC methods and `other`, never a stranger's word.
    pub received_requests: Vec<(&'static str, u64)>,
    /// Requests sent, by method, without retransmissions.
    pub sent_requests: Vec<(&'static str, u64)>,
    /// Responses received, by status 100 to 699.
    pub received_responses: Vec<(u16, u64)>,
    /// Responses sent, by status, without retransmissions.
    pub sent_responses: Vec<(u16, u64)>,
    /// Messages sent again.
    pub retransmissions_sent: u64,
    /// Messages received again.
    pub retransmissions_received: u64,
    /// Requests that break the rules of SIP, and what is no SIP at all.
    pub malformed: u64,
    /// Responses that break them, dropped.
    pub malformed_responses: u64,
    /// Responses and in-dialog requests that belong to nothing here.
    pub unmatched: u64,
    /// Messages dropped or refused because a limit was reached.
    pub limited: u64,
}

/// Dossiers of callers who were handed over, to all receivers together.
#[derive(Clone, Copy, Debug, Default)]
pub struct DossierSample {
    /// Deliveries that were taken.
    pub sent: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that were given up.
    pub given_up: u64,
    /// Deliveries that were never kept.
    pub lost: u64,
    /// Deliveries that are tried until they are taken.
    pub pending: u64,
    /// Of these, those that have failed for so long that somebody must look.
    pub late: u64,
    /// How long ago the oldest of them was made.
    pub oldest: Duration,
}

/// SIP sockets.
#[derive(Clone, Debug, Default)]
pub struct SocketSample {
    /// Connections over TCP and TLS that are open.
    pub connections: u64,
    /// Connections closed because the peer did not read.
    pub blocked: u64,
    /// Connections closed because no SIP came.
    pub unfit: u64,
    /// Connections of nobody known closed because they were silent for too long.
    pub idle: u64,
    /// Connections of nobody known closed to make room.
    pub crowded: u64,
    /// Connections not taken because there were too many.
    pub refused: u64,
    /// Datagrams dropped because the socket took none and enough waited for it.
    pub socket_full: u64,
    /// Datagrams dropped because enough waited for their thread.
    pub inbox_full: u64,
    /// TLS handshakes finished.
    pub tls_handshakes: u64,
    /// TLS that came to nothing, by reason; a reason that is not there counts none.
    pub tls_failed: Vec<(&'static str, u64)>,
    /// Copies of messages that left for their collector.
    pub hep_sent: u64,
    /// Copies of messages that were dropped.
    pub hep_dropped: u64,
}

impl SocketSample {
    /// How often TLS came to nothing for a reason.
    pub(crate) fn tls_failed(&self, reason: &str) -> u64 {
        let found = self.tls_failed.iter().find(|(it, _)| *it == reason);
        found.map_or(0, |(_, count)| *count)
    }
}

/// Searches in DNS.
#[derive(Clone, Copy, Debug, Default)]
pub struct DnsSample {
    /// That found somebody.
    pub found: u64,
    /// After which DNS says that there is nobody.
    pub nothing: u64,
    /// Without an answer.
    pub failed: u64,
    /// Names that live on what was found before the last search, or were never found.
    pub stale: u64,
}

/// RTP counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MediaSample {
    /// Packets accepted.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets dropped: their source was not negotiated.
    pub wrong_source: u64,
    /// Packets dropped: not RTP of a negotiated payload type.
    pub malformed: u64,
    /// Packets dropped: not made with the party's key (SRTP).
    pub forged: u64,
    /// Packets dropped: they had come before (SRTP).
    pub replayed: u64,
    /// RTCP packets of parties.
    pub rtcp_received: u64,
    /// RTCP packets to parties.
    pub rtcp_sent: u64,
    /// Packets that the kernel would not take when sent.
    pub send_failed: u64,
}

/// One pool of the queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolSample {
    /// Callers that wait for it.
    pub waiting: u64,
    /// How long the first of them has waited; zero if nobody waits.
    pub oldest_wait: Duration,
    /// Lines in use.
    pub lines_used: u64,
}

/// The writer of records.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordsSample {
    /// Records in the store.
    pub written: u64,
    /// Records whose call had one already.
    pub duplicates: u64,
    /// Attempts that the store refused.
    pub failed: u64,
    /// Records that the full buffer handed back.
    pub refused: u64,
    /// Records in the buffer.
    pub pending: u64,
}

/// The recorder of conversations.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordingsSample {
    /// Recordings that are being written.
    pub open: u64,
    /// Recordings kept.
    pub kept: u64,
    /// Recordings deleted at once because the caller refused.
    pub refused: u64,
    /// Recordings given up because the disk refused.
    pub failed: u64,
    /// 1 from such a failure until something can be written again.
    pub failing: u64,
    /// Blocks of 20 ms lost.
    pub lost: u64,
    /// Bytes of recordings kept.
    pub bytes: u64,
    /// Recordings deleted because their time was over.
    pub deleted: u64,
    /// Recordings past their time that are held.
    pub held: u64,
    /// Recordings that should be gone, past their time or refused, and could not be deleted.
    pub undeleted: u64,
}
