//! Names, help texts and buckets of every metric.

use metrics::{KeyName, Recorder, SharedString};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

/// What a name stands for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}

/// Latencies of the engine's own making, in seconds: from 50 µs, dense around the bar of 1 ms.
const ENGINE: &[f64] = &[
    0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.000_75, 0.001, 0.001_5, 0.002, 0.003, 0.005,
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Waits of people, in seconds; 15 s is the limit of GB/T 33358-2016.
const PEOPLE: &[f64] = &[
    0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0,
];
/// Jitter and round trips, in seconds: 50 ms of jitter are heard.
const SOUND: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.4, 1.0,
];
/// Lengths of calls, in seconds.
const CALLS: &[f64] = &[
    5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0,
];

macro_rules! names {
    ($($id:ident = $name:literal, $kind:expr, $help:literal;)*) => {
        $(pub(crate) const $id: &str = $name;)*
        pub(crate) const ALL: &[(&str, Kind, &str)] = &[$(($name, $kind, $help)),*];
    };
}

use Kind::{Counter, Gauge, Histogram};
names! {
    BUILD = "meishier_build_info", Gauge, "Always 1; the label names the version.";
    ARRIVED = "meishier_calls_arrived_total", Counter, "Calls accepted and queued, by trunk.";
    CALLS_NOW = "meishier_calls", Gauge, "Calls now, by phase.";
    ENDED = "meishier_calls_ended_total", Counter, "Calls over, by outcome.";
    REFUSED = "meishier_calls_refused_total", Counter, "Requests refused before they became a call, by reason.";
    FOREIGN = "meishier_foreign_codec_total", Counter, "Calls refused with 488 since they offered no codec of ours, by the codec that they offered first.";
    ANSWER = "meishier_answer_time_seconds", Histogram(PEOPLE), "From the caller's INVITE to a counsellor's answer, by pool.";
    DURATION = "meishier_call_duration_seconds", Histogram(CALLS), "From the caller's INVITE to the end of the call.";
    SETUP = "meishier_setup_seconds", Histogram(ENGINE), "From the caller's INVITE to the INVITE of a seat that was free.";
    READY = "meishier_ready_to_invite_seconds", Histogram(ENGINE), "From a seat's becoming ready to its INVITE for a caller who waited.";
    OFFERS = "meishier_offers_total", Counter, "Offers to seats that ended, by outcome.";
    OFFERED = "meishier_offers_started_total", Counter, "Offers to seats that were begun.";
    TRANSFERS = "meishier_transfers_total", Counter, "Uses of transfer keys, by what the key reaches and by outcome.";
    TRANSFER_ANSWER = "meishier_transfer_answer_seconds", Histogram(PEOPLE), "From the press of a transfer key to the answer of whom it called, by what the key reaches.";
    THIRDS = "meishier_transfer_parties", Gauge, "Third parties that are called or are in a conversation now.";
    ALARMS_NOW = "meishier_transfer_alarms", Gauge, "Emergency keys by which nobody was reached, and callers without anybody of the house, that nobody has seen to.";
    TRANSFER_ALARMS = "meishier_transfer_alarms_total", Counter, "Emergency keys by which nobody was reached, and callers without anybody of the house.";
    CALLED_BACK = "meishier_call_backs_total", Counter, "Callers who hung up and were to be called back, by what came of it.";
    CALL_BACKS = "meishier_call_backs_due_total", Counter, "Callers who hung up while help was on the way or there.";
    PROBES = "meishier_probes_total", Counter, "Silent parties asked for a sign of life (OPTIONS within the dialog), by party.";
    DEAD_LEGS = "meishier_dead_legs_total", Counter, "Legs ended because a silent party's dialog was gone, by party.";
    MEDIA_LOST = "meishier_media_lost_at_risk_total", Counter, "Callers at risk of whom nothing is heard and whose dialog is gone; their calls go on.";
    ONE_WAY = "meishier_one_way_total", Counter, "Conversations in which one party was heard and the other not, by the party that was not.";
    ONE_WAY_NOW = "meishier_one_way", Gauge, "Conversations now in which one party is heard and the other not.";
    LEG_LOST = "meishier_leg_lost_packets_total", Counter, "RTP packets that did not arrive, by party and by who missed them: we (measured) or the party (as its RTCP says).";
    LEG_EXPECTED = "meishier_leg_packets_total", Counter, "RTP packets of and to parties whose legs are over, by party and by whose turn it was to receive them.";
    LEG_JITTER = "meishier_leg_jitter_seconds", Histogram(SOUND), "Greatest jitter of a leg's packets at our side, by party.";
    LEG_TRIP = "meishier_leg_round_trip_seconds", Histogram(SOUND), "Last round trip of a leg that RTCP measured, by party.";
    SEATS = "meishier_seats", Gauge, "Seats now, by state.";
    SEATS_READY = "meishier_seats_ready", Gauge, "Seats that are ready, by pool; a seat counts in each of its pools.";
    SEATS_PAUSED = "meishier_seats_paused_by_engine_total", Counter, "Seats paused after offers that rang out.";
    TRUNK_UP = "meishier_trunk_up", Gauge, "1 unless the trunk leaves our OPTIONS unanswered.";
    TRUNK_REGISTERED = "meishier_trunk_registered", Gauge, "1 unless the trunk is to be registered at its carrier and is not.";
    PEER_UP = "meishier_trunk_peer_up", Gauge, "1 while a peer of a trunk answers our OPTIONS, by trunk and peer; one that was not asked yet is not there.";
    CHANNELS = "meishier_trunk_channels", Gauge, "Channels of a trunk in use, calls in and out together.";
    CHANNELS_FULL = "meishier_trunk_channels_full_total", Counter, "Calls that found no channel of a trunk, by direction; reserve is yes for those for whom the reserve is kept.";
    LINES_OPEN = "meishier_lines_open", Gauge, "Lines that the schedule opens now, by pool.";
    LINES_USED = "meishier_lines_used", Gauge, "Lines in use, by pool.";
    WAITING = "meishier_waiting", Gauge, "Callers that wait, by pool; a caller whom two pools may serve counts in both.";
    WAITING_ALL = "meishier_waiting_callers", Gauge, "Callers that wait.";
    OLDEST = "meishier_oldest_wait_seconds", Gauge, "How long the first caller of the pool has waited; 0 if nobody waits.";
    BY_NUMBER = "meishier_calls_by_number_total", Counter, "Calls by the number dialled: 12356, area (code and 12356), other, or the name of an old number.";
    ROUTED = "meishier_routed_total", Counter, "Calls routed, by whether a route of the table fitted (table) or nothing but the default (default).";
    AMBIGUOUS = "meishier_routed_ambiguous_total", Counter, "Calls routed although several cities share the caller's area code and nothing told which it is.";
    AT_RISK = "meishier_routed_risk_total", Counter, "Calls routed as at risk, by reason.";
    NUISANCE = "meishier_routed_nuisance_total", Counter, "Calls routed as nuisance, by reason.";
    REDIAL = "meishier_routed_redial_total", Counter, "Calls that took the place of the caller's earlier call again.";
    FLAGGED = "meishier_flagged_total", Counter, "Calls that somebody said a life is in danger in, by who said so.";
    POOL_SERVICE = "meishier_pool_service", Gauge, "1 for the state of service that the pool is in (NENA i3), 0 for the others.";
    CALENDAR_MISSING = "meishier_calendar_missing", Gauge, "1 while schedules ask for a year whose public holidays are not known.";
    QUEUE_MATCHES = "meishier_queue_matches_total", Counter, "Matches of a caller and a seat.";
    QUEUE_HELPED = "meishier_queue_helped_total", Counter, "Changes of the queue that another thread finished writing than the one that decided them.";
    QUEUE_REPEATED = "meishier_queue_repeated_total", Counter, "Changes of the queue that were worked out anew since another came first.";
    QUEUE_SCANNED = "meishier_queue_scanned_total", Counter, "Callers and seats without a row of their own in the queue's tables; each match looks through all of them.";
    QUEUE_MISSED = "meishier_queue_missed_total", Counter, "Callers found waiting for more than 100 ms beside a ready seat that fits, and matched by the watchdog.";
    KEPT_OUTSIDE = "meishier_queue_kept_outside_total", Counter, "Callers for whom the queue had no place and who are kept on the line until it has one: at risk, or put back.";
    UNEXPECTED = "meishier_unexpected_total", Counter, "Inputs that the engine could not place.";
    SIP_REQUESTS = "meishier_sip_requests_total", Counter, "SIP requests, by direction and method, without retransmissions sent.";
    SIP_RESPONSES = "meishier_sip_responses_total", Counter, "SIP responses, by direction and status, without retransmissions sent.";
    RETRANSMISSIONS = "meishier_sip_retransmissions_total", Counter, "SIP messages sent or received again, by direction.";
    SIP_DROPPED = "meishier_sip_dropped_total", Counter, "SIP messages not acted upon, by reason.";
    SIP_CONNECTIONS = "meishier_sip_connections", Gauge, "Connections over TCP and TLS that are open.";
    SIP_CLOSED = "meishier_sip_connections_closed_total", Counter, "Connections over TCP and TLS that the engine closed or did not take: the peer did not read (blocked), sent no SIP (unfit), was nobody known and silent for long (idle) or had to make room (crowded), there were too many (refused).";
    SIP_QUEUE_FULL = "meishier_sip_queue_full_total", Counter, "Datagrams dropped because a queue was full: that of a socket, or that between two threads.";
    TLS_HANDSHAKES = "meishier_tls_handshakes_total", Counter, "TLS handshakes that both sides finished.";
    TLS_FAILED = "meishier_tls_failed_total", Counter, "TLS that came to nothing or counts for nothing, by reason.";
    HEP_COPIES = "meishier_hep_copies_total", Counter, "Copies of SIP messages for the collector of [hep], by what became of them: sent or dropped.";
    DNS_SEARCHES = "meishier_dns_searches_total", Counter, "Searches for names of trunks in DNS, by result: somebody was found, nobody has the name (nothing), no answer came (failed).";
    DNS_STALE = "meishier_dns_names_stale", Gauge, "Names of trunks of which the last search found nobody: what was found before goes on to hold.";
    RTP_PACKETS = "meishier_rtp_packets_total", Counter, "RTP packets accepted or sent, by direction.";
    RTCP_PACKETS = "meishier_rtcp_packets_total", Counter, "RTCP packets of parties, or to them, by direction.";
    RTP_DROPPED = "meishier_rtp_dropped_total", Counter, "RTP packets dropped, by reason.";
    ENGINE_CALLS = "meishier_engine_calls", Gauge, "Calls that the shards hold.";
    DIALOGS = "meishier_dialogs", Gauge, "SIP dialogs and early legs.";
    TRANSACTIONS = "meishier_transactions", Gauge, "SIP transactions.";
    TIMERS = "meishier_timers", Gauge, "Timers armed.";
    PORTS_USED = "meishier_rtp_ports_used", Gauge, "RTP ports that a call holds.";
    PORTS_BOUND = "meishier_rtp_ports_bound", Gauge, "RTP ports bound, used or not.";
    REGISTRATIONS = "meishier_registrations", Gauge, "Contacts registered.";
    TASKS = "meishier_tasks", Gauge, "Asynchronous tasks alive.";
    RECORDS_WRITTEN = "meishier_records_written_total", Counter, "Records in the store.";
    RECORDS_DUPLICATE = "meishier_records_duplicate_total", Counter, "Records whose call had one already.";
    RECORDS_FAILED = "meishier_records_failed_total", Counter, "Attempts to write records that the store refused; the records are kept and tried again.";
    RECORDS_REFUSED = "meishier_records_refused_total", Counter, "Records that the full buffer handed back.";
    RECORDS_PENDING = "meishier_records_pending", Gauge, "Records not yet in the store.";
    RECORDINGS = "meishier_recordings_total", Counter, "Recordings, by what became of them: kept, refused by the caller, failed because the disk refused.";
    RECORDINGS_OPEN = "meishier_recordings_open", Gauge, "Recordings that are being written.";
    RECORDINGS_FAILING = "meishier_recordings_failing", Gauge, "1 from a recording that failed until one succeeds.";
    RECORDINGS_LOST = "meishier_recordings_lost_blocks_total", Counter, "Blocks of 20 ms that could not be kept.";
    RECORDINGS_BYTES = "meishier_recordings_bytes_total", Counter, "Bytes of recordings kept.";
    RECORDINGS_DELETED = "meishier_recordings_deleted_total", Counter, "Recordings deleted because their time was over.";
    RECORDINGS_HELD = "meishier_recordings_held", Gauge, "Recordings past their time that are held.";
    RECORDINGS_UNDELETED = "meishier_recordings_undeleted", Gauge, "Recordings past their time, or refused, that could not be deleted.";
    DOSSIERS_SENT = "meishier_dossiers_sent_total", Counter, "Dossiers of callers that a receiver took.";
    DOSSIERS_FAILED = "meishier_dossiers_failed_total", Counter, "Attempts to deliver a dossier that failed; it is tried again.";
    DOSSIERS_LOST = "meishier_dossiers_lost_total", Counter, "Dossiers that no receiver gets, by reason: refused for good or failing for too long (given_up), no room to keep them, or to write down what was told by telephone (full), too many of one use of a key (too_many).";
    DOSSIERS_PENDING = "meishier_dossiers_pending", Gauge, "Dossiers that are tried until they are taken.";
    DOSSIERS_LATE = "meishier_dossiers_late", Gauge, "Of these, those that have failed for longer than alert_after.";
    DOSSIERS_OLDEST = "meishier_dossiers_oldest_seconds", Gauge, "How long ago the oldest of these was made.";
    LOG_DROPPED = "meishier_log_lines_dropped_total", Counter, "Log lines dropped because nobody read fast enough.";
    CPU = "process_cpu_seconds_total", Gauge, "CPU time of the process, user and system.";
    RESIDENT = "process_resident_memory_bytes", Gauge, "Resident memory of the process.";
    FDS = "process_open_fds", Gauge, "Open file descriptors.";
    MAX_FDS = "process_max_fds", Gauge, "Soft limit of open file descriptors.";
    THREADS = "process_threads", Gauge, "Threads of the process.";
    STARTED = "process_start_time_seconds", Gauge, "Start of the process in seconds since 1970.";
}

/// A recorder of our own (none is installed for the process) that knows buckets and help texts.
pub(crate) fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (name, kind, _) in ALL {
        if let Histogram(buckets) = kind {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)?;
        }
    }
    let recorder = builder.build_recorder();
    for (name, kind, help) in ALL {
        let (name, help) = (KeyName::from(*name), SharedString::const_str(help));
        match kind {
            Counter => recorder.describe_counter(name, None, help),
            Gauge => recorder.describe_gauge(name, None, help),
            Histogram(_) => recorder.describe_histogram(name, None, help),
        }
    }
    Ok(recorder)
}
