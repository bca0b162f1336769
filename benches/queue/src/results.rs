//! A whole run.

use std::process::{Command, Stdio};

use crate::crowd::{self, Crowd};
use crate::cycles::{self, Row};
use crate::goals::{Goal, goals};
use crate::middle::{self, PutBack};
use crate::options::Options;
use crate::stalled::Stops;

/// The program beside this one that stops threads.
const SECOND: &str = "meishier-queue-stalled";

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Results {
    /// One thread.
    pub cycles: Vec<Row>,
    /// One thread, a caller halfway in its lane.
    pub put_backs: Vec<PutBack>,
    /// Several threads.
    pub crowds: Vec<Crowd>,
    /// A stopped thread, and allocations.
    pub stops: Stops,
    /// Processors that this process may use.
    pub cores: usize,
}

impl Results {
    /// Measures everything.
    ///
    /// # Errors
    /// If a queue loses somebody, or the second program does not run.
    pub fn measure(options: &Options) -> Result<Self, String> {
        let scale = &options.scale;
        let mut cycles = Vec::new();
        for size in &scale.sizes {
            cycles.extend(cycles::measure(*size, scale)?);
        }
        let put_backs = middle::measure(scale)?;
        let mut crowds = Vec::new();
        for size in &scale.crowded {
            for threads in &scale.threads {
                crowds.extend(crowd::measure(*size, *threads, scale)?);
            }
        }
        Ok(Self {
            cycles,
            put_backs,
            crowds,
            stops: second(options)?,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// What is promised of it.
    #[must_use]
    pub fn goals(&self) -> [Goal; 3] {
        goals(&self.cycles, &self.stops.stalled)
    }
}

fn second(options: &Options) -> Result<Stops, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(own.with_file_name(SECOND));
    command.args(options.extent).stderr(Stdio::inherit());
    let output = command
        .output()
        .map_err(|error| format!("{SECOND}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{SECOND}: {}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{SECOND}: {error}"))
}
