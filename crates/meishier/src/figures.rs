//! What a scrape of the metrics page reads, put into the words of the telemetry crate.

use meishier_engine::queue::Queue;
use meishier_engine::signaling::Counters;
use meishier_engine::signaling::message::Method;
use meishier_model::{Mono, PoolId};
use meishier_net::{Control, Stats, TlsFailure};
use meishier_records::{Courier, Writer};
use meishier_telemetry::{
    DnsSample, DossierSample, MediaSample, PoolSample, RecordingsSample, RecordsSample, Sample,
    ShardSample, SipSample, SocketSample,
};
use std::time::Duration;
use tokio::runtime::Handle;

/// Everything of this moment. To be called on a thread that may block, within `runtime`'s life.
pub fn sample(
    control: &Control,
    pools: usize,
    (writer, courier): (&Writer, &Courier),
    runtime: &Handle,
) -> Sample {
    let stats = runtime.block_on(control.stats());
    let queue = control.queue();
    let counts = queue.counts();
    let now = control.clock().mono();
    let pools = (0..pools).map(|pool| {
        let lines = counts.lines_used.get(pool).copied().unwrap_or(0);
        pool_sample(queue, pool, lines, now)
    });
    let written = writer.counts();
    Sample {
        pools: pools.collect(),
        waiting: u64::from(counts.waiting),
        queue: queue.figures(),
        media: media_sample(&stats),
        sockets: socket_sample(&stats),
        dns: DnsSample {
            found: stats.dns.found,
            nothing: stats.dns.nothing,
            failed: stats.dns.failed,
            stale: stats.dns.stale,
        },
        ports_bound: stats.rtp.ports,
        records: RecordsSample {
            written: written.written,
            duplicates: written.duplicates,
            failed: written.failed,
            refused: written.refused,
            pending: written.pending,
        },
        recordings: RecordingsSample::default(),
        dossiers: dossier_sample(control, courier, runtime),
        tasks: runtime.metrics().num_alive_tasks() as u64,
        shards: stats
            .shards
            .into_iter()
            .map(|shard| ShardSample {
                gauges: shard.gauges,
                sip: sip_sample(&shard.counters),
            })
            .collect(),
    }
}

/// Nothing but zeros if the store cannot be read now, which is told by its own figures.
fn dossier_sample(control: &Control, courier: &Courier, runtime: &Handle) -> DossierSample {
    let counts = runtime.block_on(courier.counts()).unwrap_or_default();
    let now = control.clock().wall();
    let age = counts
        .pending
        .oldest
        .map(|made| now.0.saturating_sub(made.0));
    let age = age.and_then(|ms| u64::try_from(ms).ok());
    DossierSample {
        sent: counts.sent,
        failed: counts.failed,
        given_up: counts.given_up,
        lost: counts.lost,
        pending: counts.pending.count,
        late: counts.pending.late,
        oldest: age.map(Duration::from_millis).unwrap_or_default(),
    }
}

fn pool_sample(queue: &Queue, pool: usize, lines: u16, now: Mono) -> PoolSample {
    let waiting = queue.waiting(PoolId(u16::try_from(pool).unwrap_or(u16::MAX)));
    PoolSample {
        waiting: u64::from(waiting.total()),
        oldest_wait: waiting
            .oldest
            .map_or_else(Default::default, |at| now.since(at)),
        lines_used: u64::from(lines),
    }
}

fn media_sample(stats: &Stats) -> MediaSample {
    MediaSample {
        received: stats.media.received,
        sent: stats.media.sent,
        wrong_source: stats.media.wrong_source + stats.rtp.unused_port,
        malformed: stats.media.malformed,
        forged: stats.media.forged,
        replayed: stats.media.replayed,
        rtcp_received: stats.media.rtcp,
        rtcp_sent: stats.media.reports,
        send_failed: stats.media.unsent + stats.rtp.send_dropped,
    }
}

fn socket_sample(stats: &Stats) -> SocketSample {
    let sip = &stats.sip;
    let failures = TlsFailure::ALL.into_iter().zip(sip.tls_failed);
    SocketSample {
        connections: sip.tcp_connections,
        blocked: sip.tcp_blocked,
        unfit: sip.tcp_unfit,
        idle: sip.tcp_idle,
        crowded: sip.tcp_crowded,
        refused: sip.tcp_refused,
        socket_full: sip.udp_backlog_dropped,
        inbox_full: sip.inbox_dropped,
        tls_handshakes: sip.tls_handshakes,
        tls_failed: failures.map(|(why, count)| (why.as_str(), count)).collect(),
        hep_sent: sip.hep_sent,
        hep_dropped: sip.hep_dropped,
    }
}

fn sip_sample(counters: &Counters) -> SipSample {
    SipSample {
        received_requests: by_method(&counters.received_requests),
        sent_requests: by_method(&counters.sent_requests),
        received_responses: by_status(&counters.received_responses),
        sent_responses: by_status(&counters.sent_responses),
        retransmissions_sent: counters.retransmissions_sent,
        retransmissions_received: counters.retransmissions_received,
        malformed: counters.malformed,
        malformed_responses: counters.malformed_responses,
        unmatched: counters.unmatched,
        limited: counters.limited,
    }
}

fn by_method(counts: &[u64; Method::COUNT]) -> Vec<(&'static str, u64)> {
    Method::ALL
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(method, count)| (method.as_str(), *count))
        .collect()
}

fn by_status(counts: &[u64]) -> Vec<(u16, u64)> {
    (0u16..)
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(status, count)| (status, *count))
        .collect()
}
