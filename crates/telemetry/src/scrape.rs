//! What is read at a scrape and not told by notices: sizes, SIP and RTP counts, the process.

use crate::handles::{counter, gauge};
use crate::{PoolSample, Sample, ShardSample, Telemetry, logs, names, process};
use metrics::{Counter, Gauge};
use metrics_exporter_prometheus::PrometheusRecorder;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// Handles that only scrapes use. Methods and statuses get theirs when first seen.
pub(crate) struct Scraped {
    requests: BTreeMap<(Direction, &'static str), Counter>,
    responses: BTreeMap<(Direction, u16), Counter>,
    sums: Vec<(Counter, Count)>,
    sizes: Vec<(Gauge, Count)>,
    pools: Vec<PoolGauges>,
    process: Vec<(Gauge, Measure)>,
}

struct PoolGauges {
    waiting: Gauge,
    oldest: Gauge,
    lines_used: Gauge,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Received,
    Sent,
}

impl Direction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sent => "sent",
        }
    }
}

/// A counter fed from a sample: name, labels, where its value stands.
type Sum = (&'static str, Labels, Count);
type Labels = &'static [(&'static str, &'static str)];
/// Reads one figure of a sample.
type Count = fn(&Sample) -> u64;
/// Reads one figure of the process.
type Measure = fn(&process::Process) -> f64;

const SUMS: &[Sum] = &[
    (names::RETRANSMISSIONS, &[("direction", "sent")], |s| {
        over(s, |shard| shard.sip.retransmissions_sent)
    }),
    (names::RETRANSMISSIONS, &[("direction", "received")], |s| {
        over(s, |shard| shard.sip.retransmissions_received)
    }),
    (names::SIP_DROPPED, &[("reason", "malformed")], |s| {
        over(s, |shard| shard.sip.malformed)
    }),
    (
        names::SIP_DROPPED,
        &[("reason", "malformed_response")],
        |s| over(s, |shard| shard.sip.malformed_responses),
    ),
    (names::SIP_DROPPED, &[("reason", "unmatched")], |s| {
        over(s, |shard| shard.sip.unmatched)
    }),
    (names::SIP_DROPPED, &[("reason", "limited")], |s| {
        over(s, |shard| shard.sip.limited)
    }),
    (names::SIP_CLOSED, &[("reason", "blocked")], |s| {
        s.sockets.blocked
    }),
    (names::SIP_CLOSED, &[("reason", "unfit")], |s| {
        s.sockets.unfit
    }),
    (names::SIP_CLOSED, &[("reason", "idle")], |s| s.sockets.idle),
    (names::SIP_CLOSED, &[("reason", "crowded")], |s| {
        s.sockets.crowded
    }),
    (names::SIP_CLOSED, &[("reason", "refused")], |s| {
        s.sockets.refused
    }),
    (names::SIP_QUEUE_FULL, &[("queue", "socket")], |s| {
        s.sockets.socket_full
    }),
    (names::SIP_QUEUE_FULL, &[("queue", "inbox")], |s| {
        s.sockets.inbox_full
    }),
    (names::TLS_HANDSHAKES, &[], |s| s.sockets.tls_handshakes),
    (names::TLS_FAILED, &[("reason", "no_certificate")], |s| {
        s.sockets.tls_failed("no_certificate")
    }),
    (names::TLS_FAILED, &[("reason", "bad_certificate")], |s| {
        s.sockets.tls_failed("bad_certificate")
    }),
    (names::TLS_FAILED, &[("reason", "ours_refused")], |s| {
        s.sockets.tls_failed("ours_refused")
    }),
    (names::TLS_FAILED, &[("reason", "protocol")], |s| {
        s.sockets.tls_failed("protocol")
    }),
    (names::TLS_FAILED, &[("reason", "late")], |s| {
        s.sockets.tls_failed("late")
    }),
    (names::TLS_FAILED, &[("reason", "crowded")], |s| {
        s.sockets.tls_failed("crowded")
    }),
    (names::TLS_FAILED, &[("reason", "unnamed")], |s| {
        s.sockets.tls_failed("unnamed")
    }),
    (names::HEP_COPIES, &[("result", "sent")], |s| {
        s.sockets.hep_sent
    }),
    (names::HEP_COPIES, &[("result", "dropped")], |s| {
        s.sockets.hep_dropped
    }),
    (names::DOSSIERS_SENT, &[], |s| s.dossiers.sent),
    (names::DOSSIERS_FAILED, &[], |s| s.dossiers.failed),
    (names::DOSSIERS_LOST, &[("reason", "given_up")], |s| {
        s.dossiers.given_up
    }),
    (names::DOSSIERS_LOST, &[("reason", "full")], |s| {
        s.dossiers.lost
    }),
    (names::DNS_SEARCHES, &[("result", "found")], |s| s.dns.found),
    (names::DNS_SEARCHES, &[("result", "nothing")], |s| {
        s.dns.nothing
    }),
    (names::DNS_SEARCHES, &[("result", "failed")], |s| {
        s.dns.failed
    }),
    (names::RECORDINGS, &[("result", "kept")], |s| {
        s.recordings.kept
    }),
    (names::RECORDINGS, &[("result", "refused")], |s| {
        s.recordings.refused
    }),
    (names::RECORDINGS, &[("result", "failed")], |s| {
        s.recordings.failed
    }),
    (names::RECORDINGS_LOST, &[], |s| s.recordings.lost),
    (names::RECORDINGS_BYTES, &[], |s| s.recordings.bytes),
    (names::RECORDINGS_DELETED, &[], |s| s.recordings.deleted),
    (names::RTP_PACKETS, &[("direction", "received")], |s| {
        s.media.received
    }),
    (names::RTP_PACKETS, &[("direction", "sent")], |s| {
        s.media.sent
    }),
    (names::RTCP_PACKETS, &[("direction", "received")], |s| {
        s.media.rtcp_received
    }),
    (names::RTCP_PACKETS, &[("direction", "sent")], |s| {
        s.media.rtcp_sent
    }),
    (names::RTP_DROPPED, &[("reason", "wrong_source")], |s| {
        s.media.wrong_source
    }),
    (names::RTP_DROPPED, &[("reason", "malformed")], |s| {
        s.media.malformed
    }),
    (names::RTP_DROPPED, &[("reason", "forged")], |s| {
        s.media.forged
    }),
    (names::RTP_DROPPED, &[("reason", "replayed")], |s| {
        s.media.replayed
    }),
    (names::RTP_DROPPED, &[("reason", "send_failed")], |s| {
        s.media.send_failed
    }),
    (names::QUEUE_MATCHES, &[], |s| s.queue.matches),
    (names::QUEUE_HELPED, &[], |s| s.queue.helped),
    (names::QUEUE_REPEATED, &[], |s| s.queue.repeated),
    (names::QUEUE_SCANNED, &[], |s| s.queue.scanned),
    (names::RECORDS_WRITTEN, &[], |s| s.records.written),
    (names::RECORDS_DUPLICATE, &[], |s| s.records.duplicates),
    (names::RECORDS_FAILED, &[], |s| s.records.failed),
    (names::RECORDS_REFUSED, &[], |s| s.records.refused),
    (names::LOG_DROPPED, &[], |_| logs::dropped()),
];

const SIZES: &[(&str, Count)] = &[
    (names::WAITING_ALL, |s| s.waiting),
    (names::ENGINE_CALLS, |s| over(s, |shard| shard.gauges.calls)),
    (names::DIALOGS, |s| over(s, |shard| shard.gauges.legs)),
    (names::TRANSACTIONS, |s| {
        over(s, |shard| shard.gauges.transactions)
    }),
    (names::TIMERS, |s| over(s, |shard| shard.gauges.timers)),
    (names::PORTS_USED, |s| over(s, |shard| shard.gauges.ports)),
    (names::THIRDS, |s| over(s, |shard| shard.gauges.thirds)),
    (names::ALARMS_NOW, |s| over(s, |shard| shard.gauges.alarms)),
    (names::REGISTRATIONS, |s| {
        over(s, |shard| shard.gauges.registrations)
    }),
    (names::SIP_CONNECTIONS, |s| s.sockets.connections),
    (names::DNS_STALE, |s| s.dns.stale),
    (names::PORTS_BOUND, |s| s.ports_bound),
    (names::TASKS, |s| s.tasks),
    (names::RECORDS_PENDING, |s| s.records.pending),
    (names::RECORDINGS_OPEN, |s| s.recordings.open),
    (names::RECORDINGS_FAILING, |s| s.recordings.failing),
    (names::RECORDINGS_HELD, |s| s.recordings.held),
    (names::RECORDINGS_UNDELETED, |s| s.recordings.undeleted),
    (names::DOSSIERS_PENDING, |s| s.dossiers.pending),
    (names::DOSSIERS_LATE, |s| s.dossiers.late),
    (names::DOSSIERS_OLDEST, |s| s.dossiers.oldest.as_secs()),
];

const PROCESS: &[(&str, Measure)] = &[
    (names::CPU, |p| p.cpu_seconds),
    (names::RESIDENT, |p| p.resident_bytes),
    (names::FDS, |p| p.open_fds),
    (names::MAX_FDS, |p| p.max_fds),
    (names::THREADS, |p| p.threads),
    (names::STARTED, |p| p.start_seconds),
];

fn over(sample: &Sample, of: fn(&ShardSample) -> u64) -> u64 {
    sample.shards.iter().map(of).sum()
}

impl Scraped {
    pub(crate) fn new(r: &PrometheusRecorder, pools: &[String]) -> Self {
        Self {
            requests: BTreeMap::new(),
            responses: BTreeMap::new(),
            sums: SUMS
                .iter()
                .map(|(name, labels, of)| (counter(r, name, labels), *of))
                .collect(),
            sizes: SIZES
                .iter()
                .map(|(name, of)| (gauge(r, name, &[]), *of))
                .collect(),
            pools: pools
                .iter()
                .map(|pool| PoolGauges {
                    waiting: gauge(r, names::WAITING, &[("pool", pool)]),
                    oldest: gauge(r, names::OLDEST, &[("pool", pool)]),
                    lines_used: gauge(r, names::LINES_USED, &[("pool", pool)]),
                })
                .collect(),
            process: PROCESS
                .iter()
                .map(|(name, of)| (gauge(r, name, &[]), *of))
                .collect(),
        }
    }

    fn update(&mut self, r: &PrometheusRecorder, sample: &Sample) {
        for (counter, of) in &self.sums {
            counter.absolute(of(sample));
        }
        for (gauge, of) in &self.sizes {
            gauge.set(of(sample) as f64);
        }
        for (gauges, pool) in self.pools.iter().zip(&sample.pools) {
            gauges.update(pool);
        }
        if let Some(process) = process::read() {
            for (gauge, of) in &self.process {
                gauge.set(of(&process));
            }
        }
        self.update_sip(r, sample);
    }

    fn update_sip(&mut self, r: &PrometheusRecorder, sample: &Sample) {
        let mut requests: BTreeMap<(Direction, &'static str), u64> = BTreeMap::new();
        let mut responses: BTreeMap<(Direction, u16), u64> = BTreeMap::new();
        for ShardSample { sip, .. } in &sample.shards {
            for (direction, counts) in [
                (Direction::Received, &sip.received_requests),
                (Direction::Sent, &sip.sent_requests),
            ] {
                for (method, count) in counts.iter().filter(|(_, count)| *count > 0) {
                    *requests.entry((direction, method)).or_default() += count;
                }
            }
            for (direction, counts) in [
                (Direction::Received, &sip.received_responses),
                (Direction::Sent, &sip.sent_responses),
            ] {
                for (status, count) in counts.iter().filter(|(_, count)| *count > 0) {
                    *responses.entry((direction, bounded(*status))).or_default() += count;
                }
            }
        }
        for ((direction, method), count) in requests {
            let handle = self.requests.entry((direction, method)).or_insert_with(|| {
                let labels = [("direction", direction.as_str()), ("method", method)];
                counter(r, names::SIP_REQUESTS, &labels)
            });
            handle.absolute(count);
        }
        for ((direction, status), count) in responses {
            let handle = self
                .responses
                .entry((direction, status))
                .or_insert_with(|| {
                    let status = status.to_string();
                    let labels = [("direction", direction.as_str()), ("code", status.as_str())];
                    counter(r, names::SIP_RESPONSES, &labels)
                });
            handle.absolute(count);
        }
    }
}

/// Statuses that no RFC knows fall together by their class, so that a stranger cannot make
/// hundreds of label values.
fn bounded(status: u16) -> u16 {
    match status {
        100
        | 180..=183
        | 199
        | 200
        | 202
        | 204
        | 300..=302
        | 305
        | 380
        | 400..=410
        | 412..=417
        | 420..=425
        | 428..=430
        | 433
        | 436..=440
        | 469
        | 470
        | 480..=489
        | 491
        | 493
        | 494
        | 500..=505
        | 513
        | 555
        | 580
        | 600
        | 603
        | 604
        | 606..=608 => status,
        other => other / 100 * 100,
    }
}

impl PoolGauges {
    fn update(&self, pool: &PoolSample) {
        self.waiting.set(pool.waiting as f64);
        self.oldest.set(pool.oldest_wait.as_secs_f64());
        self.lines_used.set(pool.lines_used as f64);
    }
}

impl Telemetry {
    /// Takes over what the driver has read. Called before [`Self::render`], once a scrape.
    pub fn scrape(&self, sample: &Sample) {
        let mut scraped = self.scraped.lock().unwrap_or_else(PoisonError::into_inner);
        scraped.update(&self.recorder, sample);
    }
}
