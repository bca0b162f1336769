//! Reading a configuration file and drawing its mistakes; `meishier check`.

use crate::cli;
use meishier_config::{Config, ConfigError, Lang};
use meishier_media::PromptSet;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceCode,
};
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// `meishier check`: 0 if the file can be served, 1 if not.
pub fn run(args: &cli::Check) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let Some((config, _)) = load(&args.config, asked) else {
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

/// Why there is no text. Editors of Chinese systems still write other encodings than UTF-8.
pub fn unreadable(path: &Path, error: &io::Error, lang: Lang) -> String {
    let file = path.display();
    match (error.kind(), lang) {
        (io::ErrorKind::InvalidData, Lang::Zh) => {
            format!("配置文件 {file} 不是 UTF-8 编码；请用编辑器另存为 UTF-8")
        }
        (io::ErrorKind::InvalidData, Lang::En) => {
            format!("configuration file {file} is not UTF-8; save it in that encoding")
        }
        (_, Lang::Zh) => format!("无法读取配置文件 {file}：{error}"),
        (_, Lang::En) => format!("configuration file {file} cannot be read: {error}"),
    }
}

/// Reads the file and the operator's prompts. What is wrong or doubtful is drawn on standard
/// error; `None` if anything is wrong.
pub fn load(path: &Path, lang: Option<Lang>) -> Option<(Config, PromptSet)> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}", unreadable(path, &error, lang.unwrap_or_default()));
            return None;
        }
    };
    let source = Arc::new(NamedSource::new(path.display().to_string(), text));
    let today = meishier_net::Clock::system().wall();
    match meishier_config::parse(source.inner(), Some(today)) {
        Ok((config, warnings)) => {
            let lang = lang.unwrap_or(config.lang);
            draw(&warnings, Severity::Warning, &source, lang);
            let prompts = prompts(&config, lang)?;
            Some((config, prompts))
        }
        Err(errors) => {
            // A file that cannot be read has no language of its own to go by.
            draw(&errors, Severity::Error, &source, lang.unwrap_or_default());
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

fn draw(list: &[ConfigError], severity: Severity, source: &Arc<NamedSource<String>>, lang: Lang) {
    let theme = if std::io::stderr().is_terminal() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    for item in list {
        let drawing = Drawing {
            item,
            severity,
            source: source.clone(),
            lang,
        };
        let mut out = String::new();
        if handler.render_report(&mut out, &drawing).is_err() {
            // The picture failed; the words are what matters.
            let one = std::slice::from_ref(item);
            out = meishier_config::render(one, source.name(), source.inner(), lang);
        }
        if lang == Lang::Zh {
            // The library's only word.
            out = out.replace("\n  help: ", "\n  提示：");
        }
        eprint!("{out}");
    }
}

/// One mistake as miette wants to see it.
struct Drawing<'a> {
    item: &'a ConfigError,
    severity: Severity,
    source: Arc<NamedSource<String>>,
    lang: Lang,
}

impl fmt::Debug for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.item.message(self.lang))
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.item.message(self.lang))
    }
}

impl std::error::Error for Drawing<'_> {}

impl Diagnostic for Drawing<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.item.help(self.lang);
        (!help.is_empty()).then(|| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.item.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None, span,
        ))))
    }
}
