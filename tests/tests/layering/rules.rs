//! What is allowed, as tables.

/// A crate of ours, which others of ours it may use, and, if it belongs to the pure core, which
/// foreign ones. Order: nobody uses a crate that stands further down.
pub(crate) struct Layer(
    pub(crate) &'static str,
    pub(crate) &'static [&'static str],
    pub(crate) Option<&'static [&'static str]>,
);

pub(crate) const LAYERS: &[Layer] = &[
    Layer("model", &[], Some(&["serde"])),
    Layer(
        "queue",
        &["model"],
        Some(&["arrayvec", "crossbeam", "serde", "smallvec"]),
    ),
    Layer("routing", &["model"], Some(&["jiff", "serde", "smallvec"])),
    Layer(
        "transfer",
        &["model", "routing"],
        Some(&["serde", "smallvec"]),
    ),
    Layer(
        "signaling",
        &["model"],
        Some(&["md-5", "serde", "sha2", "smallvec", "subtle"]),
    ),
    Layer(
        "media",
        &["model"],
        Some(&[
            "aes",
            "aes-gcm",
            "audio-codec-algorithms",
            "base64",
            "hmac",
            "rtp-rs",
            "sdp-types",
            "serde",
            "sha1",
            "sha2",
            "smallvec",
            "subtle",
            "zeroize",
        ]),
    ),
    Layer(
        "config",
        &["model", "routing", "media", "transfer"],
        Some(&["jiff", "serde", "sha2", "smallvec", "toml"]),
    ),
    Layer(
        "engine",
        &[
            "model",
            "queue",
            "routing",
            "config",
            "signaling",
            "media",
            "transfer",
        ],
        Some(&["serde", "smallvec"]),
    ),
    Layer("ladder", &[], Some(&[])),
    Layer(
        "sim",
        &[
            "model",
            "queue",
            "config",
            "signaling",
            "media",
            "engine",
            "ladder",
            // The study asks the shipped table itself; the judges share nothing with it.
            "routing",
        ],
        Some(&[
            "jiff",
            "md-5",
            "serde",
            "serde_json",
            "sha2",
            "smallvec",
            "toml",
        ]),
    ),
    Layer("records", &["model"], None),
    Layer("recordings", &["model", "media"], None),
    Layer("phones", &["model"], None),
    Layer("telemetry", &["model", "engine"], None),
    Layer("net", &["model", "engine"], None),
    Layer("console", &["model", "engine", "records"], None),
];

/// Foreign crates that must not be reached from the core, however far down.
pub(crate) const NOT_REACHED: &[&str] = &[
    "async-std",
    "crossbeam",
    "dashmap",
    "getrandom",
    "mio",
    "parking_lot",
    "rand",
    "rand_core",
    "rayon",
    "rustix",
    "socket2",
    "sqlx",
    "tokio",
    "tracing",
];

/// The one way by which the core reaches one of [`NOT_REACHED`]: the queue takes `CachePadded` of
/// crossbeam and nothing else, as another test sees to.
pub(crate) const REACHED_BY: (&str, &str) = ("meishier-queue", "crossbeam");

/// Tools of the tests that play schedules; the product is built without them.
pub(crate) const SCHEDULERS: &[&str] = &["loom", "shuttle"];

/// Features that are for tests alone, and who has them.
pub(crate) const FOR_TESTS: &[(&str, &[&str])] = &[
    ("defects", &["queue", "signaling", "engine", "sim"]),
    ("hold", &["queue", "queue-bench"]),
    ("shuttle", &["queue"]),
];

/// What no source of the core may hold, and why. A word that ends in `::` and begins small is the
/// name of a crate, and as such no end of another name.
pub(crate) const NOT_IN_CORE: &[(&str, &str)] = &[
    ("Instant::", "time is handed in"),
    ("SystemTime", "time is handed in"),
    ("std::thread", "drivers own the threads"),
    ("thread_local!", "drivers own the threads"),
    ("Mutex", "one owner, no locks"),
    ("RwLock", "one owner, no locks"),
    ("Condvar", "one owner, no locks"),
    ("mpsc", "the driver carries messages"),
    ("UdpSocket", "drivers own the sockets"),
    ("TcpStream", "drivers own the sockets"),
    ("TcpListener", "drivers own the sockets"),
    ("std::fs", "drivers own the files"),
    ("std::env", "settings are handed in"),
    ("std::process", "drivers own the process"),
    ("rand::", "randomness is handed in"),
    ("fastrand", "randomness is handed in"),
    ("getrandom", "randomness is handed in"),
    ("RandomState", "randomness is handed in"),
    ("HashMap", "the order of a hash map is random"),
    ("HashSet", "the order of a hash map is random"),
    ("println!", "output is the driver's"),
    ("eprint", "output is the driver's"),
    (".unwrap()", VALUES),
    (".expect(", VALUES),
    ("panic!(", VALUES),
    ("unreachable!(", VALUES),
    ("unsafe ", "not here"),
    ("async fn", "the core is sans-IO"),
];

/// Places where a word is allowed: the queue's reference model is one lock, and the hook by which
/// tests hold a thread is each thread's own (it is there with its feature only).
pub(crate) const EXCEPT: &[(&str, &str)] = &[
    ("crates/queue/src/one_lock/", "Mutex"),
    ("crates/queue/src/hold.rs", "thread_local!"),
];

/// What the queue may have in certain files only: a lock would hold everybody up who comes behind a
/// stopped thread, and an access past `sync.rs` would be seen by no loom, no shuttle and no hook.
pub(crate) const QUEUE_ONLY_IN: &[(&str, &[&str])] = &[
    ("Mutex", &["one_lock/"]),
    ("RwLock", &["one_lock/"]),
    ("Condvar", &[]),
    ("Barrier", &[]),
    ("LazyLock", &[]),
    // A defect is chosen once, by a test.
    ("OnceLock", &["defect.rs"]),
    ("std::sync", &["one_lock/", "defect.rs", "sync.rs"]),
    ("core::sync", &[]),
    ("loom::", &["sync.rs"]),
    ("shuttle::", &["sync.rs"]),
    ("spin_loop", &[]),
    ("yield_now", &[]),
];

/// All that the queue may take of crossbeam.
pub(crate) const OF_CROSSBEAM: &str = "use crossbeam::utils::CachePadded;";

/// Where a panic may stand: the simulator never serves a call, and its unit tests stand beside what
/// they test.
pub(crate) const MAY_PANIC: &str = "crates/sim/src/";
pub(crate) const VALUES: &str = "errors are values";
