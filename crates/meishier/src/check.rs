//! Reading a configuration and telling its mistakes; `meishier check`.

use crate::tables::FileVersion;
use crate::{cli, files, secrets};
use meishier_config::{Config, Lang};
use meishier_media::PromptSet;
use std::path::Path;
use std::process::ExitCode;

/// `meishier check`: 0 if the configuration can be served, 1 if not.
pub fn run(args: &cli::Check) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let Some(Checked { config, .. }) = load(&args.config, asked) else {
        return ExitCode::FAILURE;
    };
    let lang = asked.unwrap_or(config.lang);
    let file = args.config.display();
    println!(
        "{}",
        match lang {
            Lang::Zh => format!(
                "配置正确：{file}（{} 个坐席，{} 名咨询员，{} 个坐席组，{} 条中继）",
                config.seats.len(),
                config.counsellors.len(),
                config.pools.len(),
                config.trunks.len()
            ),
            Lang::En => format!(
                "configuration is right: {file} ({} seats, {} counsellors, {} pools, {} trunks)",
                config.seats.len(),
                config.counsellors.len(),
                config.pools.len(),
                config.trunks.len()
            ),
        }
    );
    ExitCode::SUCCESS
}

/// A configuration without mistakes.
pub struct Checked {
    /// The configuration.
    pub config: Config,
    /// Prompts and music.
    pub prompts: PromptSet,
    /// The files that it was read from.
    pub files: Vec<FileVersion>,
}

/// Reads the files and the operator's prompts. What is wrong or doubtful is told on standard error;
/// `None` if anything is wrong.
pub fn load(path: &Path, lang: Option<Lang>) -> Option<Checked> {
    // Files that cannot be read have no language of their own to go by.
    let unknown = lang.unwrap_or_default();
    let sources = match files::read(path) {
        Ok(sources) => sources,
        Err(failures) => {
            for why in &failures {
                eprintln!("{}", files::words(why, unknown));
            }
            return None;
        }
    };
    let today = meishier_net::Clock::system().wall();
    match sources.parse(Some(today)) {
        Ok((mut config, warnings)) => {
            let lang = lang.unwrap_or(config.lang);
            eprint!("{}", sources.render_warnings(&warnings, lang));
            let prompts = prompts(&config, lang)?;
            if let Err(failures) = secrets::fill(&mut config) {
                for why in &failures {
                    eprintln!("{}", files::words(why, lang));
                }
                return None;
            }
            // Read here for whoever only checks; the start reads them again.
            let receivers = &config.dossier.receivers;
            let posts = receivers.iter().map(meishier_net::Post::new);
            let posts = posts.collect::<Result<Vec<_>, _>>().map(drop);
            let own = meishier_net::Certificates::read(&config).map(drop);
            if let Err(error) = own.and(posts) {
                eprintln!(
                    "{}",
                    match lang {
                        Lang::Zh => error.message_zh(),
                        Lang::En => error.to_string(),
                    }
                );
                return None;
            }
            Some(Checked {
                config,
                prompts,
                files: FileVersion::all(&sources),
            })
        }
        Err(mistakes) => {
            eprint!("{}", sources.render(&mistakes, unknown));
            None
        }
    }
}

/// The built-in prompts with the operator's own in their places: each `NAME.wav` of the folder.
fn prompts(config: &Config, lang: Lang) -> Option<PromptSet> {
    let mut prompts = PromptSet::embedded();
    let Some(folder) = &config.prompts_dir else {
        return Some(prompts);
    };
    let mut failures = Vec::new();
    match wav_files(folder) {
        Ok(files) => {
            for file in files {
                let name = file.file_stem().unwrap_or_default().to_string_lossy();
                let replaced = std::fs::read(&file)
                    .map_err(|error| error.to_string())
                    .and_then(|bytes| {
                        prompts.replace(&name, &bytes).map_err(|error| match lang {
                            Lang::Zh => error.message_zh(),
                            Lang::En => error.message_en(),
                        })
                    });
                if let Err(message) = replaced {
                    failures.push(format!("{}: {message}", file.display()));
                }
            }
        }
        Err(error) => failures.push(format!("{}: {error}", folder.display())),
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    failures.is_empty().then_some(prompts)
}

fn wav_files(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
