//! The log: one line an event on standard error, as text or JSON, times in UTC.
//!
//! Whoever logs never waits for whoever reads: lines go through a bounded buffer to a thread of
//! their own, and what does not fit is dropped and counted.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

/// Lines in the buffer at most.
const BUFFERED: usize = 16_384;
/// How long the writing thread rests between two writes, so that a line costs no wake-up.
const REST: Duration = Duration::from_millis(50);
/// Bytes in one write at most, about.
const CHUNK: usize = 256 * 1024;

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogError::UnknownFormat),
        }
    }
}

/// From which severity on our own crates are heard. Other crates are heard from warnings on,
/// whatever is chosen here: below that they may write what they carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something needs a look.
    Warn,
    /// Calls come, are answered, end.
    #[default]
    Info,
    /// Every step of a call.
    Debug,
    /// Everything.
    Trace,
}

impl FromStr for Level {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(LogError::UnknownLevel),
        }
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// Why there is no log.
#[derive(Debug)]
pub enum LogError {
    /// Neither `text` nor `json`.
    UnknownFormat,
    /// None of `error`, `warn`, `info`, `debug`, `trace`.
    UnknownLevel,
    /// The process has a log already.
    AlreadySet,
    /// The system gave no thread.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("log format is text or json"),
            Self::UnknownLevel => f.write_str("log level is error, warn, info, debug or trace"),
            Self::AlreadySet => f.write_str("the log was set up before"),
            Self::Thread(error) => write!(f, "no thread for the log: {error}"),
        }
    }
}

impl std::error::Error for LogError {}

/// Lines dropped since the start of the process because the buffer was full.
#[must_use]
pub fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// Sets up the log of the process on standard error. Keep the guard until the end: dropping it
/// writes out what is in the buffer.
///
/// # Errors
/// [`LogError::AlreadySet`], [`LogError::Thread`].
pub fn init(format: LogFormat, level: Level) -> Result<LogGuard, LogError> {
    let (lines, guard) = start(io::stderr()).map_err(LogError::Thread)?;
    tracing::subscriber::set_global_default(subscriber(format, level, lines))
        .map_err(|_| LogError::AlreadySet)?;
    Ok(guard)
}

/// What [`init`] installs, with a writer of one's own.
pub fn subscriber<W>(format: LogFormat, level: Level, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let heard = Targets::new()
        .with_default(LevelFilter::WARN.min(level.into()))
        .with_target("meishier", LevelFilter::from(level));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    Registry::default().with(layer.with_filter(heard))
}

/// Hands lines to the thread that writes them.
#[derive(Clone, Debug)]
pub struct Lines(SyncSender<Job>);

enum Job {
    Line(Vec<u8>),
    End,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Line",
            Self::End => "End",
        })
    }
}

impl Write for &Lines {
    /// One call is one line; the formatting layer writes whole lines.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Job::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// Ends the log when dropped, after all lines were written.
#[derive(Debug)]
pub struct LogGuard {
    lines: SyncSender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if self.lines.send(Job::End).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A panic of that thread has nowhere to be told.
            let _ = thread.join();
        }
    }
}

/// Starts a thread that writes lines to `out`.
///
/// # Errors
/// The system gave no thread.
pub fn start(out: impl Write + Send + 'static) -> io::Result<(Lines, LogGuard)> {
    let (lines, jobs) = sync_channel(BUFFERED);
    let thread = thread::Builder::new()
        .name("meishier-log".to_owned())
        .spawn(move || write_out(&jobs, out))?;
    Ok((
        Lines(lines.clone()),
        LogGuard {
            lines,
            thread: Some(thread),
        },
    ))
}

fn write_out(jobs: &Receiver<Job>, mut out: impl Write) {
    let mut chunk = Vec::new();
    while let Ok(first) = jobs.recv() {
        let mut next = Some(first);
        let mut ended = false;
        while let Some(job) = next {
            match job {
                Job::Line(line) => chunk.extend_from_slice(&line),
                Job::End => ended = true,
            }
            next = if ended || chunk.len() >= CHUNK {
                None
            } else {
                jobs.try_recv().ok()
            };
        }
        // Standard error closed: there is nobody to tell, and the calls go on.
        let _ = out.write_all(&chunk).and_then(|()| out.flush());
        chunk.clear();
        if ended {
            return;
        }
        thread::sleep(REST);
    }
}
