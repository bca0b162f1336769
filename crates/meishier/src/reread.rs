//! The configuration read again while calls run: all of it is taken, or nothing.

use crate::files;
use crate::service::Service;
use meishier_config::{Config, ConfigError, Lang, Unreadable};
use std::path::Path;

/// Reads all files and lets the engine follow it. What keeps it from being followed goes into the
/// log, each as an error of its own, and the engine runs on as before. Gives one line for people.
pub async fn reread(service: &mut Service, file: &Path, lang: Lang) -> String {
    let refused = match read(file, lang) {
        Ok(config) => match service.config().same_identity(&config) {
            Ok(()) => match service.configure(config).await {
                Ok(()) => Vec::new(),
                Err(error) => vec![error.to_string()],
            },
            Err(differences) => differences
                .iter()
                .map(|it| it.message(lang).to_owned())
                .collect(),
        },
        Err(mistakes) => mistakes,
    };
    for reason in &refused {
        tracing::error!("{reason}");
    }
    let file = file.display();
    match (refused.len(), lang) {
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

fn read(file: &Path, lang: Lang) -> Result<Config, Vec<String>> {
    let unreadable = |why: &Unreadable| files::words(why, lang).to_owned();
    let sources = files::read(file)
        .map_err(|failures| failures.iter().map(unreadable).collect::<Vec<_>>())?;
    // A line each, without the picture: what stands in the files does not belong in a log.
    let line = |it: &ConfigError| format!("{}: {}", sources.place(it.span.start), it.message(lang));
    let today = meishier_net::Clock::system().wall();
    match sources.parse(Some(today)) {
        Ok((config, doubts)) => {
            for doubt in &doubts {
                tracing::warn!("{}", line(doubt));
            }
            Ok(config)
        }
        Err(mistakes) => Err(mistakes.iter().map(line).collect()),
    }
}
