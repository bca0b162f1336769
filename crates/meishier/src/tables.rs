//! The configuration in force, and reading it again while calls run: all of it is taken, or nothing.
//! A signal and the API go the same way.
//!
//! ```text
//!   SIGHUP ──────────┐                                                  same identity?
//!   POST /reload ────┴─► one at a time ─► read, parse ─► every mistake ──┬─► no: refused, as it was
//!                                                                        └─► yes: every shard ─► in force
//! ```

use crate::{files, secrets};
use arc_swap::ArcSwap;
use meishier_config::{Config, ConfigError, Difference, Lang, Sources, Unreadable};
use meishier_console::{
    KeyInfo, Mistake, NotReloaded, Reachable, Reached, Reloaded, TableInfo, Tables,
};
use meishier_engine::api::CommandError;
use meishier_engine::routing::Hours;
use meishier_model::Wall;
use meishier_net::{CertificateError, Certificates, Control};
use meishier_telemetry::Telemetry;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What `--config` named; `None` if the configuration is built in.
    pub path: Option<PathBuf>,
    /// The files that were read, in order.
    pub files: Vec<FileVersion>,
}

/// A file as it was read. Not its text, which holds passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Its name as people are shown it.
    name: String,
    /// Differs if the text does.
    print: u64,
}

impl FileVersion {
    /// All files of a configuration.
    pub fn all(sources: &Sources) -> Vec<Self> {
        let files = sources.files().iter();
        files
            .map(|file| {
                let mut print = DefaultHasher::new();
                print.write(file.text.as_bytes());
                Self {
                    name: file.name.clone(),
                    print: print.finish(),
                }
            })
            .collect()
    }
}

/// A configuration and since when the engine follows it.
struct Loaded {
    config: Arc<Config>,
    files: Vec<FileVersion>,
    since: Wall,
}

/// The configuration in force, for whoever reads it and whoever takes another.
pub struct InForce {
    path: Option<PathBuf>,
    lang: Lang,
    control: Control,
    telemetry: Arc<Telemetry>,
    /// Read without waiting while another one is put there.
    current: ArcSwap<Loaded>,
    /// Held while another one is taken.
    turn: tokio::sync::Mutex<()>,
}

impl InForce {
    /// What an engine was started with.
    pub fn new(
        config: Arc<Config>,
        origin: Origin,
        control: Control,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let since = control.clock().wall();
        Self {
            path: origin.path,
            lang: config.lang,
            control,
            telemetry,
            current: ArcSwap::from_pointee(Loaded {
                config,
                files: origin.files,
                since,
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.current.load().config.clone()
    }

    async fn take_another(&self) -> Result<Reloaded, NotReloaded> {
        let _turn = self.turn.lock().await;
        let path = self.path.clone().ok_or(NotReloaded::NoFiles)?;
        let today = self.control.clock().wall();
        // Files may be many and long; the API answers meanwhile.
        let read = tokio::task::spawn_blocking(move || read(&path, today)).await;
        let read = read.map_err(|_| NotReloaded::Unavailable)?;
        let Read {
            config,
            certificates,
            files,
            warnings,
        } = read.map_err(NotReloaded::Mistakes)?;
        let before = self.current.load_full();
        if let Err(differences) = before.config.same_identity(&config) {
            let list = differences.into_iter().map(restart).collect();
            return Err(NotReloaded::TakesRestart(list));
        }
        let config = Arc::new(config);
        let given = self.control.configure(&config).await;
        given.map_err(|_| NotReloaded::Unavailable)?;
        self.control.secure_with(certificates);
        self.telemetry.set_aliases(&aliases(&config));
        let done = Reloaded {
            before: before.config.table_hash.clone(),
            after: config.table_hash.clone(),
            changed_files: changed_files(&before.files, &files),
            changed_sections: changed_sections(&before.config, &config),
            warnings,
        };
        let since = self.control.clock().wall();
        self.current.store(Arc::new(Loaded {
            config,
            files,
            since,
        }));
        Ok(done)
    }

    fn log(&self, result: &Result<Reloaded, NotReloaded>) {
        let words = |it: &Mistake| match self.lang {
            Lang::Zh => it.zh.clone(),
            Lang::En => it.en.clone(),
        };
        let told = |it: &Mistake| match it.place.as_str() {
            "" => words(it),
            place => format!("{place}: {}", words(it)),
        };
        match result {
            Ok(done) => {
                for warning in &done.warnings {
                    tracing::warn!("{}", told(warning));
                }
                tracing::info!(
                    before = done.before,
                    after = done.after,
                    "configuration taken"
                );
            }
            Err(NotReloaded::Mistakes(list) | NotReloaded::TakesRestart(list)) => {
                for mistake in list {
                    tracing::error!("{}", told(mistake));
                }
            }
            Err(NotReloaded::NoFiles | NotReloaded::Unavailable) => {
                tracing::error!("the configuration was not taken");
            }
        }
    }
}

impl Tables for InForce {
    fn current(&self) -> TableInfo {
        let loaded = self.current.load();
        TableInfo {
            hash: loaded.config.table_hash.clone(),
            files: loaded.files.iter().map(|it| it.name.clone()).collect(),
            loaded: loaded.since,
        }
    }

    fn reload(&self) -> Reachable<'_, Result<Reloaded, NotReloaded>> {
        Box::pin(async move {
            let result = self.take_another().await;
            self.log(&result);
            result
        })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        let plan = &self.config().transfer;
        plan.keys.iter().map(KeyInfo::from).collect()
    }

    fn reach(&self, key: &str, place: &str) -> Result<Reached, CommandError> {
        let target = self.config().transfer.target(key, place)?;
        Ok(Reached::from(target))
    }

    fn call_back_hours(&self) -> Hours {
        self.config().call_backs.hours
    }
}

/// One line for people about what came of it.
pub fn line(result: &Result<Reloaded, NotReloaded>, file: &Path, lang: Lang) -> String {
    let file = file.display();
    let problems = match result {
        Ok(_) => 0,
        Err(NotReloaded::Mistakes(list) | NotReloaded::TakesRestart(list)) => list.len(),
        Err(NotReloaded::NoFiles | NotReloaded::Unavailable) => 1,
    };
    match (problems, lang) {
        (0, Lang::Zh) => format!("已按 {file} 更新配置；正在进行的通话不受影响"),
        (0, Lang::En) => format!("configured anew from {file}; running calls go on as they were"),
        (n, Lang::Zh) => format!("配置未更新，继续按原配置运行：{file} 有 {n} 处问题，见日志"),
        (n, Lang::En) => {
            format!(
                "not configured anew, the old configuration stays: {n} problems with {file}, see the log"
            )
        }
    }
}

/// Names of the old numbers, for the metrics.
pub fn aliases(config: &Config) -> Vec<String> {
    config.routing.alias_names().map(str::to_owned).collect()
}

/// What was read anew, all of it good.
struct Read {
    config: Config,
    certificates: Option<Certificates>,
    files: Vec<FileVersion>,
    warnings: Vec<Mistake>,
}

fn read(path: &Path, today: Wall) -> Result<Read, Vec<Mistake>> {
    let unreadable = |why: &Unreadable| Mistake {
        place: String::new(),
        zh: why.message_zh.clone(),
        en: why.message_en.clone(),
    };
    let sources = files::read(path)
        .map_err(|failures| failures.iter().map(unreadable).collect::<Vec<_>>())?;
    // Without the picture: what stands in the files belongs neither in a log nor in an answer.
    let told = |it: &ConfigError| Mistake {
        place: sources.place(it.span.start).to_string(),
        zh: it.message(Lang::Zh).to_owned(),
        en: it.message(Lang::En).to_owned(),
    };
    match sources.parse(Some(today)) {
        Ok((mut config, doubts)) => {
            secrets::fill(&mut config)
                .map_err(|failures| failures.iter().map(unreadable).collect::<Vec<_>>())?;
            Ok(Read {
                certificates: Certificates::read(&config).map_err(|error| vec![unfit(&error)])?,
                files: FileVersion::all(&sources),
                warnings: doubts.iter().map(told).collect(),
                config,
            })
        }
        Err(mistakes) => Err(mistakes.iter().map(told).collect()),
    }
}

fn unfit(error: &CertificateError) -> Mistake {
    Mistake {
        place: String::new(),
        zh: error.message_zh(),
        en: error.to_string(),
    }
}

fn restart(difference: Difference) -> Mistake {
    Mistake {
        place: String::new(),
        zh: difference.message_zh,
        en: difference.message_en,
    }
}

fn changed_files(old: &[FileVersion], new: &[FileVersion]) -> Vec<String> {
    let by_name = |list: &[FileVersion]| -> BTreeMap<String, u64> {
        list.iter().map(|it| (it.name.clone(), it.print)).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| old.get(*name) != new.get(*name));
    names.into_iter().cloned().collect()
}

/// Sections that can be told apart; what routes, schedules and policies say is seen in the files.
fn changed_sections(old: &Config, new: &Config) -> Vec<&'static str> {
    let routes = |config: &Config| -> Vec<String> {
        config.routing.route_names().map(str::to_owned).collect()
    };
    let sections = [
        ("name", old.name != new.name),
        ("lang", old.lang != new.lang),
        ("shutdown_limit", old.shutdown_limit != new.shutdown_limit),
        ("sip.tls", old.sip.tls != new.sip.tls),
        ("trunks", old.trunks != new.trunks),
        ("pools", old.pools != new.pools),
        ("tags", old.tags != new.tags),
        ("seats", old.seats != new.seats),
        ("counsellors", old.counsellors != new.counsellors),
        ("offer", old.offer != new.offer),
        ("waiting", old.waiting != new.waiting),
        ("care", old.care != new.care),
        ("routes", routes(old) != routes(new)),
        ("aliases", aliases(old) != aliases(new)),
    ];
    let differing = sections.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| name).collect()
}
