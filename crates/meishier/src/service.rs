//! The whole engine in one process: records, shards, media, HTTP. `serve` runs it for real, `demo`
//! on loopback.
//!
//! ```text
//!   start:  records open ─► HTTP bound ─► SIP, RTP bound, shards up ─► ready
//!   end:    not ready ─► drain (limit) ─► hang up ─► shards down ─► records written ─► HTTP down
//! ```

use crate::recorder::Taping;
use crate::tables::{self, InForce, Origin};
use crate::{dossier, figures, taken};
use meishier_config::{Config, Dossiers, Lang};
use meishier_console::{App, Directory, Tables};
use meishier_engine::signaling::Transport;
use meishier_engine::transfer::Dossier;
use meishier_engine::{Command, Notice, Reply};
use meishier_media::PromptSet;
use meishier_model::{CallRecord, NumberMark, ShardId, Wall};
use meishier_net::{
    CertificateError, Clock, Control, Drained, Running, Runtime, RuntimeConfig, Seeds, Sink,
    StartError,
};
use meishier_recordings::RecordingError;
use meishier_records::{Courier, Left, Store, StoreError, Writer};
use meishier_routing::Note;
use meishier_telemetry::{Telemetry, TelemetryError, TelemetryNames};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Records that wait while the store is down; a record is one or two KiB.
const RECORDS_KEPT: usize = 65_536;
/// How often histograms are folded into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often marks of numbers that have ended are deleted.
const FORGET: Duration = Duration::from_secs(3600);

/// What a service is started with.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// Where it comes from.
    pub origin: Origin,
    /// Prompts and music.
    pub prompts: PromptSet,
    /// The time that the engine sees.
    pub clock: Clock,
    /// Randomness.
    pub seeds: Seeds,
    /// Take any free port where the one asked for is taken.
    pub any_free_port: bool,
}

/// Why a service did not start.
#[derive(Debug)]
pub enum ServiceError {
    /// SIP, RTP or threads.
    Runtime(StartError),
    /// The HTTP address cannot be bound.
    Http {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The records file.
    Records(StoreError),
    /// The folder of recordings, or their keys.
    Recordings(RecordingError),
    /// The certificates of a receiver of dossiers.
    Receiver(CertificateError),
    /// Our own metrics.
    Telemetry(TelemetryError),
}

impl ServiceError {
    /// What happened, for people.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Runtime(error), Lang::Zh) => error.message_zh(),
            (Self::Runtime(error), Lang::En) => error.to_string(),
            (Self::Http { address, source }, _) if source.kind() == io::ErrorKind::AddrInUse => {
                match lang {
                    Lang::Zh => format!(
                        "HTTP 端口 {address} 已被其他程序占用；请换一个端口，或先停止那个程序"
                    ),
                    Lang::En => format!(
                        "HTTP port {address} is taken by another program; choose another port or end that program"
                    ),
                }
            }
            (Self::Http { address, source }, Lang::Zh) => {
                format!("无法监听 HTTP 地址 {address}：{source}")
            }
            (Self::Http { address, source }, Lang::En) => {
                format!("HTTP address {address} cannot be bound: {source}")
            }
            (Self::Records(error), Lang::Zh) => format!("无法打开通话记录：{error}"),
            (Self::Records(error), Lang::En) => error.to_string(),
            (Self::Recordings(error), Lang::Zh) => format!("无法录音：{}", error.message_zh()),
            (Self::Recordings(error), Lang::En) => format!("recording is not possible: {error}"),
            (Self::Receiver(error), Lang::Zh) => error.message_zh(),
            (Self::Receiver(error), Lang::En) => error.to_string(),
            (Self::Telemetry(error), _) => error.to_string(),
        }
    }
}

/// A running service.
pub struct Service {
    tables: Arc<InForce>,
    running: Running,
    store: Store,
    writer: Writer,
    courier: Courier,
    ready: Arc<AtomicBool>,
    http: SocketAddr,
    console: JoinHandle<io::Result<()>>,
    upkeep: JoinHandle<()>,
    taping: Option<Arc<Taping>>,
    sweep: Option<JoinHandle<()>>,
    tell: Option<JoinHandle<()>>,
    stop_console: oneshot::Sender<()>,
}

impl Service {
    /// Starts everything; must be called within a tokio runtime, which drives HTTP and records.
    ///
    /// # Errors
    /// [`ServiceError`]; nothing runs on then.
    pub async fn start(setup: Setup) -> Result<Self, ServiceError> {
        let config = Arc::new(setup.config);
        let telemetry = Telemetry::new(&names(&config)).map_err(ServiceError::Telemetry)?;
        let opened = Store::open(&config.records.path).await;
        let store = opened.map_err(ServiceError::Records)?;
        let remembered = remembered(&store, setup.clock.wall())
            .await
            .map_err(ServiceError::Records)?;
        let refused = match &config.recording {
            Some(_) => store
                .refused_lately()
                .await
                .map_err(ServiceError::Records)?,
            None => Vec::new(),
        };
        let taping = Taping::start(&config, &setup.clock, &refused);
        let taping = taping.map_err(ServiceError::Recordings)?;
        let listener = bind_http(config.http.listen, setup.any_free_port).await?;
        let http = listener.local_addr().map_err(|source| ServiceError::Http {
            address: config.http.listen,
            source,
        })?;
        let writer = Writer::start(store.clone(), RECORDS_KEPT);
        let courier = dossier::start(&config, &store, &setup.clock)?;
        let sink = Arc::new(Out {
            writer: writer.clone(),
            courier: courier.clone(),
            dossiers: config.dossier.clone(),
            telemetry: telemetry.clone(),
            clock: setup.clock.clone(),
            accounts: accounts(&config),
        });
        let runtime = RuntimeConfig {
            config: config.clone(),
            prompts: Arc::new(setup.prompts),
            clock: setup.clock,
            seeds: setup.seeds,
            any_free_port: setup.any_free_port,
            remembered,
            tapes: taping.as_ref().map(|taping| taping.sink()),
        };
        let running = Runtime::start(runtime, sink).map_err(ServiceError::Runtime)?;
        let ready = Arc::new(AtomicBool::new(true));
        let control = running.control();
        let tables = InForce::new(config.clone(), setup.origin, control, telemetry.clone());
        let tables = Arc::new(tables);
        let app = App {
            control: Arc::new(EngineControl(running.control())),
            directory: directory(&config),
            metrics: metrics_page(
                &telemetry,
                running.control(),
                &config,
                (&writer, &courier, &taping),
            ),
            ready: ready.clone(),
            store: Some(store.clone()),
            tables: Some(tables.clone()),
            token: config.http.token.clone(),
        };
        let (stop_console, stopped) = oneshot::channel();
        let until_stopped = async move {
            // Dropping the sender stops it as well.
            let _ = stopped.await;
        };
        let console = tokio::spawn(meishier_console::serve(listener, app, until_stopped));
        let clock = running.control().clock().clone();
        let sweep = taping
            .clone()
            .map(|taping| taping.sweep(tables.clone(), clock.clone()));
        let sweep = sweep.map(tokio::spawn);
        let tell = taping.clone().map(|it| it.tell_records(store.clone()));
        let tell = tell.map(tokio::spawn);
        let upkeep = tokio::spawn(keep_up(telemetry.clone(), store.clone(), clock));
        Ok(Self {
            tables,
            running,
            store,
            writer,
            courier,
            ready,
            http,
            console,
            upkeep,
            taping,
            sweep,
            tell,
            stop_console,
        })
    }

    /// The configuration it runs with.
    pub fn config(&self) -> Arc<Config> {
        self.tables.config()
    }

    /// The configuration in force and the way to another one.
    pub fn tables(&self) -> &dyn Tables {
        &*self.tables
    }

    /// Commands, figures, civil time.
    pub fn control(&self) -> Control {
        self.running.control()
    }

    /// The records file.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The writer of records.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Where SIP is really bound, in the order of the configuration.
    pub fn sip(&self) -> &[(Transport, SocketAddr)] {
        self.running.sip_addresses()
    }

    /// Where HTTP is really bound.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// How many RTP ports are bound.
    pub fn rtp_ports(&self) -> usize {
        self.running.rtp_ports_bound()
    }

    /// Comes back only if the engine broke; the process is to end then.
    pub async fn broken(&self) {
        self.running.broken().await;
    }

    /// Takes no new calls and waits for the running ones, at most `limit`. True if all have ended.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.ready.store(false, Ordering::Relaxed);
        self.running.drain(limit).await == Drained::Quiet
    }

    /// Ends every call, then the engine, writes what records are left, then ends the rest.
    pub async fn end(self) {
        self.ready.store(false, Ordering::Relaxed);
        if self.running.hang_up_all().await == Drained::LimitPassed {
            tracing::error!("calls did not end although they were hung up");
        }
        self.running.shutdown();
        if let Some(taping) = self.taping.clone() {
            // It fails only if it panicked, which it has said itself.
            let _ = tokio::task::spawn_blocking(move || taping.close()).await;
        }
        for task in [&self.sweep, &self.tell].into_iter().flatten() {
            task.abort();
        }
        let left = self.writer.close().await;
        if let Some(taping) = &self.taping {
            taping.tell_losses(&self.store).await;
        }
        if !left.is_empty() {
            keep_elsewhere(&self.tables.config().records.path, &left);
        }
        self.courier.close(dossier::CLOSE_LIMIT).await;
        self.upkeep.abort();
        drop(self.stop_console);
        match self.console.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the console ended with an error"),
            Err(error) => tracing::error!(%error, "the console had panicked"),
        }
        self.store.close().await;
    }
}

/// Takes what the shards give out. Runs on their threads.
struct Out {
    writer: Writer,
    courier: Courier,
    /// Who gets dossiers; a restart alone changes it.
    dossiers: Dossiers,
    telemetry: Arc<Telemetry>,
    clock: Clock,
    /// Accounts, by number.
    accounts: Vec<String>,
}

impl Sink for Out {
    fn record(&self, shard: ShardId, record: Box<CallRecord>) {
        if let Err(record) = self.writer.try_write(record) {
            tracing::error!(shard = shard.0, call = %record.call, "a record was lost: the store is down and the buffer is full");
        }
    }

    fn keep(&self, shard: ShardId, mark: Box<NumberMark>) {
        if let Err(mark) = self.writer.try_keep(mark) {
            tracing::error!(shard = shard.0, call = %mark.call, "a mark of a number was lost: the store is down and the buffer is full");
        }
    }

    fn dossier(&self, shard: ShardId, dossier: Box<Dossier>) {
        let Some(parcel) = dossier::parcel(&self.dossiers, &dossier) else {
            return;
        };
        if let Err(parcel) = self.courier.try_post(Box::new(parcel)) {
            tracing::error!(shard = shard.0, call = %parcel.call, "a dossier was lost: the store is down and the buffer is full");
        }
    }

    fn notice(&self, shard: ShardId, notice: Notice) {
        self.telemetry.notice(&notice);
        self.telemetry.log_notice(&notice);
        let Some(entry) = taken::entry(&notice, self.clock.wall(), &self.accounts) else {
            return;
        };
        if let Err(entry) = self.writer.try_note(Box::new(entry)) {
            tracing::error!(shard = shard.0, call = %entry.call, what = entry.what, "an entry of the audit was lost: the store is down and the buffer is full");
        }
    }
}

/// The console's way to the shards.
struct EngineControl(Control);

impl meishier_console::Control for EngineControl {
    fn command(
        &self,
        command: Command,
    ) -> meishier_console::Reachable<'_, Result<Reply, meishier_console::Unavailable>> {
        Box::pin(async move {
            let reply = self.0.command(command).await;
            reply.map_err(|_| meishier_console::Unavailable)
        })
    }

    fn command_all(&self, command: Command) -> meishier_console::Reachable<'_, Vec<Reply>> {
        Box::pin(self.0.command_all(command))
    }

    fn remember(
        &self,
        notes: Vec<Note>,
    ) -> meishier_console::Reachable<'_, Result<(), meishier_console::Unavailable>> {
        Box::pin(async move {
            let told = self.0.remember(&notes).await;
            told.map_err(|_| meishier_console::Unavailable)
        })
    }

    fn wall(&self) -> Wall {
        self.0.clock().wall()
    }
}

async fn bind_http(address: SocketAddr, any_free_port: bool) -> Result<TcpListener, ServiceError> {
    let bound = match TcpListener::bind(address).await {
        Err(error) if any_free_port && error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        other => other,
    };
    bound.map_err(|source| ServiceError::Http { address, source })
}

fn metrics_page(
    telemetry: &Arc<Telemetry>,
    control: Control,
    config: &Arc<Config>,
    (writer, courier, taping): (&Writer, &Courier, &Option<Arc<Taping>>),
) -> Arc<dyn Fn() -> String + Send + Sync> {
    let telemetry = telemetry.clone();
    let (writer, courier, taping) = (writer.clone(), courier.clone(), taping.clone());
    let (pools, runtime) = (config.pools.len(), Handle::current());
    Arc::new(move || {
        let mut sample = figures::sample(&control, pools, (&writer, &courier), &runtime);
        sample.recordings = taping.as_ref().map(|it| it.sample()).unwrap_or_default();
        telemetry.scrape(&sample);
        telemetry.render()
    })
}

async fn keep_up(telemetry: Arc<Telemetry>, store: Store, clock: Clock) {
    let mut tick = tokio::time::interval(UPKEEP);
    let mut forget = tokio::time::interval(FORGET);
    loop {
        tokio::select! {
            _ = tick.tick() => telemetry.run_upkeep(),
            _ = forget.tick() => {
                if let Err(error) = store.forget_marks(clock.wall()).await {
                    tracing::error!(%error, "marks of numbers that have ended were not deleted");
                }
            }
        }
    }
}

fn names(config: &Config) -> TelemetryNames {
    TelemetryNames {
        trunks: config.trunks.iter().map(|it| it.name.clone()).collect(),
        pools: config.pools.iter().map(|it| it.name.clone()).collect(),
        seats: config.seats.iter().map(|it| it.pools.clone()).collect(),
        aliases: tables::aliases(config),
    }
}

fn accounts(config: &Config) -> Vec<String> {
    let all = config.counsellors.iter();
    all.map(|it| it.account.clone()).collect()
}

fn directory(config: &Config) -> Directory {
    Directory {
        name: config.name.clone(),
        seats: config.seats.iter().map(|it| it.name.clone()).collect(),
        counsellors: config
            .counsellors
            .iter()
            .map(|it| it.account.clone())
            .collect(),
        pools: config.pools.iter().map(|it| it.name.clone()).collect(),
    }
}

/// What the engine is to know of numbers from the start; what has ended is deleted.
async fn remembered(store: &Store, now: Wall) -> Result<Vec<Note>, StoreError> {
    store.forget_marks(now).await?;
    let marks = store.marks(now).await?;
    Ok(marks
        .iter()
        .filter_map(|kept| Note::from_mark(&kept.mark))
        .collect())
}

/// Records that the store would not take at the end go into a file beside it, one JSON object a
/// line, readable by its owner only.
fn keep_elsewhere(records: &std::path::Path, left: &Left) {
    let mut path = records.as_os_str().to_owned();
    path.push(".left.jsonl");
    let path = PathBuf::from(path);
    let count = left.records.len() + left.marks.len() + left.entries.len();
    match append(&path, left) {
        Ok(()) => tracing::error!(
            count,
            file = %path.display(),
            "records that the store refused were kept in a file of their own"
        ),
        Err(error) => tracing::error!(count, %error, "records were lost"),
    }
}

fn append(path: &std::path::Path, left: &Left) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path)?;
    let mut out = io::BufWriter::new(file);
    for record in &left.records {
        serde_json::to_writer(&mut out, record)?;
        out.write_all(b"\n")?;
    }
    for mark in &left.marks {
        serde_json::to_writer(&mut out, mark)?;
        out.write_all(b"\n")?;
    }
    for entry in &left.entries {
        let (call, by) = (entry.call.to_string(), &entry.by);
        let entry = serde_json::json!({
            "at_ms": entry.at.0, "what": entry.what, "call": call, "by": by, "detail": entry.detail,
        });
        serde_json::to_writer(&mut out, &entry)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
