//! What a world is set up with, if a test says nothing else.

/// Two pools; city first, province after 10 s. Static seats s0, s1 (city), s2 (province), and r0,
/// which registers.
pub const CONFIG: &str = r#"
name = "test"
lang = "en"
zone = "Asia/Shanghai"
shards = 4
shutdown_limit = "1min"
skills = ["crisis"]

[sip]
listen = ["udp:10.0.0.1:5060"]
domain = "test.invalid"
max_calls = 100

[rtp]
address = "10.0.0.1"
first_port = 20000
last_port = 21999
threads = 1

[http]
listen = "127.0.0.1:0"

[records]
path = "none.db"

[[trunks]]
name = "carrier"
peers = ["10.0.1.1"]
out = "10.0.1.1:5060"
answer = "on_seat"
early = "ringing"
answer_after = "30s"
codecs = ["pcma", "pcmu"]
outgoing_number = "12356"

[[trunks]]
name = "at-once"
peers = ["10.0.1.2"]
answer = "at_once"
codecs = ["pcma"]
outgoing_number = "12356"

[[pools]]
name = "city"
title = "city"
strategy = "longest_idle"
shifts = [{ hours = "08:00-18:00", lines = 2 }]

[[pools]]
name = "province"
title = "province"
strategy = "longest_idle"
shifts = [{ hours = "00:00-24:00", lines = 2 }]

[[seats]]
name = "s{0..1}"
contact = "sip:s{n}@10.0.2.{n}:5060"
pools = ["city"]

[[seats]]
name = "s2"
contact = "sip:s2@10.0.2.2:5060"
pools = ["province"]

[[seats]]
name = "r0"
password = "secret-r0"
pools = ["city"]

[[counsellors]]
account = "10{0..2}"
pin = "123{n}"
seats = ["s0", "s1", "s2", "r0"]

[[counsellors]]
account = "200"
pin = "2000"
seats = ["s0"]
qualification = { name = "licence", expires = 2026-01-31 }

[offer]
ring = "20s"
backoff = "5s"
pause_after = 3
wrapup = "10s"
keep_caller_user = true

[waiting]
greeting = true
music = true
announce_every = "30s"
max_waiting = 50

[[transfer.keys]]
name = "110"
title = "police"
kind = "emergency"
ring = "30s"
trunk = "carrier"

[routing]
default = "all"

[[routes]]
name = "all"
rings = ["city", { pool = "province", after = "10s" }]
"#;
