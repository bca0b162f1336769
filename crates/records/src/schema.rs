//! Tables and their versions. `PRAGMA user_version` holds the version of a file.
//!
//! Unsigned 64-bit values are kept as the signed integer with the same bits; times are
//! milliseconds since 1970, durations milliseconds. `call` as hexadecimal is the API's id.

/// Marks the file as ours (`PRAGMA application_id`): "MSER".
pub(crate) const APPLICATION_ID: i64 = 0x4d53_4552;

/// One script a version; script `n` leads from version `n` to `n + 1`. A script that was
/// released is never edited: what changes is a new script.
pub(crate) const MIGRATIONS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11];

const V1: &str = "
CREATE TABLE calls (
    call INTEGER PRIMARY KEY,
    trunk TEXT NOT NULL,
    caller TEXT NOT NULL,
    called TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    arrived INTEGER NOT NULL,
    answered INTEGER,
    ended INTEGER NOT NULL,
    waited_ms INTEGER NOT NULL,
    talked_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    released_by TEXT NOT NULL,
    status INTEGER NOT NULL,
    pool TEXT,
    line INTEGER,
    seat TEXT,
    counsellor TEXT,
    route TEXT NOT NULL,
    route_reason TEXT NOT NULL,
    caller_received INTEGER NOT NULL,
    caller_sent INTEGER NOT NULL,
    caller_wrong_source INTEGER NOT NULL,
    caller_malformed INTEGER NOT NULL,
    seat_received INTEGER NOT NULL,
    seat_sent INTEGER NOT NULL,
    seat_wrong_source INTEGER NOT NULL,
    seat_malformed INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_arrival ON calls (arrived);
CREATE TABLE offers (
    call INTEGER NOT NULL,
    position INTEGER NOT NULL,
    seat TEXT NOT NULL,
    counsellor TEXT NOT NULL,
    pool TEXT NOT NULL,
    at INTEGER NOT NULL,
    rang_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    PRIMARY KEY (call, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE transfers (
    call INTEGER NOT NULL,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    city TEXT NOT NULL,
    dialled TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    answered INTEGER,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    PRIMARY KEY (call, position)
) STRICT, WITHOUT ROWID;
";

/// What the routing table decided, and what people said of numbers. Older rows read as empty.
const V2: &str = "
ALTER TABLE calls ADD COLUMN routing_table TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN rules TEXT NOT NULL DEFAULT '[]';
ALTER TABLE calls ADD COLUMN risk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN nuisance INTEGER NOT NULL DEFAULT 0;
CREATE TABLE number_marks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by TEXT,
    call INTEGER NOT NULL,
    UNIQUE (number, kind)
) STRICT;
CREATE INDEX number_marks_by_end ON number_marks (until);
";

/// What RTCP and our own measure say of each side's sound. Older rows read as 0.
const V3: &str = "
ALTER TABLE calls ADD COLUMN caller_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_jitter_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_reports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_peer_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_peer_jitter_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_round_trip_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_jitter_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_reports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_peer_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_peer_jitter_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_round_trip_us INTEGER NOT NULL DEFAULT 0;
";

/// Whether each side's sound was SRTP, and what was dropped for it. Older rows read as plain.
const V4: &str = "
ALTER TABLE calls ADD COLUMN caller_secured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN caller_unauthentic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_secured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN seat_unauthentic INTEGER NOT NULL DEFAULT 0;
";

/// Why each side says that it ended or refused, and which peers of a trunk were asked. Older rows read
/// as empty.
const V5: &str = "
ALTER TABLE calls ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN seat_cause TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE transfers ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE transfers ADD COLUMN tried TEXT NOT NULL DEFAULT '[]';
";

/// The time line of each use of the transfer key. Older rows read as empty.
const V6: &str = "
ALTER TABLE transfers ADD COLUMN events TEXT NOT NULL DEFAULT '[]';
";

/// What was recorded of a call, as JSON. Older rows, and calls that nobody was to record, read as nothing.
const V7: &str = "
ALTER TABLE calls ADD COLUMN recording TEXT;
";

/// What goes out to others in an emergency, what was done with personal data by that, and what people are
/// to do.
const V8: &str = "
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mark TEXT NOT NULL,
    receiver TEXT NOT NULL,
    call INTEGER NOT NULL,
    body BLOB,
    made INTEGER NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0,
    fault TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'pending',
    done INTEGER,
    UNIQUE (mark, receiver)
) STRICT;
CREATE INDEX deliveries_by_due ON deliveries (state, receiver, due);
CREATE INDEX deliveries_by_call ON deliveries (call);
CREATE TABLE data_uses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    call INTEGER NOT NULL,
    at INTEGER NOT NULL,
    receiver TEXT NOT NULL,
    what TEXT NOT NULL,
    ground TEXT NOT NULL
) STRICT;
CREATE INDEX data_uses_by_call ON data_uses (call);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    call INTEGER NOT NULL,
    made INTEGER NOT NULL,
    due INTEGER NOT NULL,
    done INTEGER,
    by TEXT,
    UNIQUE (kind, call)
) STRICT;
";

/// Who did what in a call, for whoever looks into it afterwards. Nothing in it is changed or deleted.
const V9: &str = "
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    call INTEGER NOT NULL,
    by TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_call ON audit (call);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'entries of the audit are not changed'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'entries of the audit are not deleted'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'entries of the audit are not replaced'); END;
";

/// Whose data went to whom is not changed or deleted either.
const V10: &str = "
CREATE TRIGGER data_uses_are_not_changed BEFORE UPDATE ON data_uses
BEGIN SELECT RAISE(ABORT, 'uses of personal data are not changed'); END;
CREATE TRIGGER data_uses_are_not_deleted BEFORE DELETE ON data_uses
BEGIN SELECT RAISE(ABORT, 'uses of personal data are not deleted'); END;
CREATE TRIGGER data_uses_are_not_replaced BEFORE INSERT ON data_uses
WHEN EXISTS (SELECT 1 FROM data_uses WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'uses of personal data are not replaced'); END;
";

/// What was said of calling back, as JSON. Older rows, and calls of which nothing was said, read as nothing.
const V11: &str = "
ALTER TABLE calls ADD COLUMN call_back TEXT;
";
