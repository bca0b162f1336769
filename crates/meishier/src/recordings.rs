//! `meishier recordings`: what is on the shelf, out of it with a reason, and whether all is as it was written.

use crate::cli::{self, RecordingsCommand as Asked};
use crate::loaded::Loaded;
use crate::wording::say;
use meishier_config::{Lang, Recording};
use meishier_model::{CallId, TapeId, Wall};
use meishier_recordings::{
    End, Event, Found, Keys, Ledger, Reader, RecordingError, Row, Shelf, Which, export, new_key,
};
use meishier_records::{Store, StoreError};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// 0: done, and all is right. 1: something is wrong with a recording or the shelf. 2: an argument is.
pub fn run(args: &cli::Recordings) -> ExitCode {
    let lang = args.lang.map(Lang::from);
    let done = match &args.command {
        Asked::NewKey { file } => make_key(file),
        other => on_shelf(args, other),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Fault::Told) => ExitCode::FAILURE,
        Err(Fault::Usage(zh, en)) => {
            eprintln!("{}", say(lang.unwrap_or_default(), zh, en));
            ExitCode::from(2)
        }
        Err(Fault::Records(error)) => {
            match lang.unwrap_or_default() {
                Lang::Zh => eprintln!("通话记录：{error}"),
                Lang::En => eprintln!("{error}"),
            }
            ExitCode::FAILURE
        }
        Err(Fault::Recording(error)) => {
            match lang.unwrap_or_default() {
                Lang::Zh => eprintln!("{}", error.message_zh()),
                Lang::En => eprintln!("{error}"),
            }
            ExitCode::FAILURE
        }
    }
}

enum Fault {
    Told,
    Usage(&'static str, &'static str),
    Recording(RecordingError),
    Records(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Records(error)
    }
}

impl From<RecordingError> for Fault {
    fn from(error: RecordingError) -> Self {
        Self::Recording(error)
    }
}

struct Place {
    shelf: Shelf,
    /// The file of the call records.
    records: PathBuf,
    recording: Recording,
    lang: Lang,
    now: Wall,
    /// Who asks: number and name of the account at the system.
    by: String,
}

fn make_key(file: &Path) -> Result<bool, Fault> {
    let id = new_key(file)?;
    tell(&id.to_string());
    Ok(true)
}

fn on_shelf(args: &cli::Recordings, asked: &Asked) -> Result<bool, Fault> {
    let Some(config) = &args.config else {
        return Err(Fault::Usage("缺少 --config", "--config is missing"));
    };
    let lang = args.lang.map(Lang::from);
    let loaded = Loaded::read(config, lang).ok_or(Fault::Told)?;
    let Some(recording) = loaded.config.recording.clone() else {
        return Err(Fault::Usage(
            "这份配置没有 [recording]",
            "this configuration has no [recording]",
        ));
    };
    let uid = rustix::process::getuid().as_raw();
    let name = std::env::var("USER").unwrap_or_default();
    let place = Place {
        shelf: Shelf::open(&recording.folder)?,
        records: loaded.config.records.path.clone(),
        recording,
        lang: lang.unwrap_or(loaded.config.lang),
        now: meishier_net::Clock::system().wall(),
        by: format!("uid {uid} {name}").trim_end().to_owned(),
    };
    match asked {
        Asked::NewKey { .. } => Ok(true),
        Asked::List { json } => place.list(*json),
        Asked::Verify => place.verify(),
        Asked::Hold { id, reason } => {
            let (id, said) = (tape(id)?, (&*place.by, given(reason)?));
            place.shelf.hold(place.now, id, said)?;
            Ok(true)
        }
        Asked::Release { id, reason } => {
            let (id, said) = (tape(id)?, (&*place.by, given(reason)?));
            place.shelf.release(place.now, id, said)?;
            Ok(true)
        }
        Asked::Export {
            id,
            to,
            party,
            reason,
            ..
        } => {
            let which = party.map_or(Which::Mixed, Which::Party);
            place.export(tape(id)?, to, which, reason)
        }
    }
}

fn tape(text: &str) -> Result<TapeId, Fault> {
    text.parse().map_err(|_| {
        Fault::Usage(
            "录音编号形如 0001000000000abc-0，见 meishier recordings list",
            "a recording is named as 0001000000000abc-0, see meishier recordings list",
        )
    })
}

/// Nothing is done with a recording without a reason.
fn given(reason: &str) -> Result<&str, Fault> {
    if reason.trim().is_empty() {
        return Err(Fault::Usage(
            "--reason 不能为空",
            "--reason must not be empty",
        ));
    }
    Ok(reason)
}

impl Place {
    fn list(&self, as_json: bool) -> Result<bool, Fault> {
        let (found, odd) = self.shelf.list()?;
        for it in &found {
            let Found {
                header,
                bytes,
                held,
                ..
            } = it;
            let (id, begun) = (header.tape.to_string(), header.begun.0);
            let (form, key) = (header.form.as_str(), header.key.to_string());
            if as_json {
                let line = json!({
                    "id": id, "begun": begun, "form": form, "key": key, "bytes": bytes, "held": held,
                });
                tell(&line.to_string());
            } else {
                let held = if *held {
                    say(self.lang, "  保留", "  held")
                } else {
                    ""
                };
                tell(&format!(
                    "{id}  {begun}  {form:7}  {bytes:>10}  {key}{held}"
                ));
            }
        }
        if odd > 0 {
            eprintln!(
                "{}",
                match self.lang {
                    Lang::Zh => format!("{odd} 个文件读不出来"),
                    Lang::En => format!("{odd} files cannot be read"),
                }
            );
        }
        Ok(odd == 0)
    }

    /// The audit comes first: whoever hears a recording has said why before.
    fn export(&self, id: TapeId, to: &Path, which: Which, reason: &str) -> Result<bool, Fault> {
        let reason = given(reason)?;
        let found = self.shelf.find(id)?;
        let keys = Keys::read(&self.recording.key_files, &[self.shelf.folder()])?;
        let mut reader = Reader::open(&found.path, &keys)?;
        let of = (id, &*found.header.fingerprint());
        let said = ("exported", &*self.by, reason);
        self.shelf.audit().add(self.now, of, said)?;
        let (line, end) = export(&mut reader, which, to)?;
        for (frame, event) in line {
            let at = found.header.begun.0 + i64::from(frame) * 20;
            tell(&format!(
                "{at}  {:>8.2}s  {}",
                f64::from(frame) / 50.0,
                shown(&event)
            ));
        }
        if end == End::CutOff {
            eprintln!(
                "{}",
                say(
                    self.lang,
                    "这份录音没有正常结束，已导出到最后一块",
                    "the recording has no end; it was exported up to its last chunk"
                )
            );
        }
        Ok(true)
    }

    fn verify(&self) -> Result<bool, Fault> {
        // Before the files: what was on record then is on the shelf, or in the list of deletions, after.
        let recorded = Recorded::read(&self.records)?;
        let deletions = self.chain(&self.shelf.deletions(), "deletions.log")?;
        let audit = self.chain(&self.shelf.audit(), "audit.log")?;
        let mut right = deletions && audit;
        let keys = Keys::read(&self.recording.key_files, &[self.shelf.folder()])?;
        let (found, odd) = self.shelf.list()?;
        let (mut whole, mut cut, mut bad) = (0u64, 0u64, odd);
        for it in &found {
            let end = read_through(it, &keys);
            if let Some(said) = recorded.contradicts(it, end.as_ref().ok()) {
                right = false;
                self.wrong(it.header.tape, said);
            }
            match end {
                Ok(End::Whole) => whole += 1,
                Ok(End::CutOff) => cut += 1,
                Err(error) => {
                    bad += 1;
                    let why = match self.lang {
                        Lang::Zh => error.message_zh(),
                        Lang::En => error.to_string(),
                    };
                    eprintln!("{}: {why}", it.header.tape);
                }
            }
        }
        self.tell_losses(&recorded);
        for id in self.shelf.undeleted()? {
            right = false;
            let zh = "已记为删除，文件仍在";
            self.wrong(id, (zh, "is said to be deleted and is still here"));
        }
        let (rows, _) = self.shelf.deletions().rows()?;
        for id in recorded.missing(&found, &rows) {
            right = false;
            let zh = "通话记录里有，文件不在，也没有记为删除";
            let en = "is on record, is not here, and is not said to be deleted";
            self.wrong(id, (zh, en));
        }
        tell(&match self.lang {
            Lang::Zh => format!("录音：完整 {whole}，未正常结束 {cut}，有问题 {bad}"),
            Lang::En => format!("recordings: {whole} whole, {cut} without an end, {bad} wrong"),
        });
        let count = recorded.tapes.len();
        tell(&match self.lang {
            Lang::Zh => format!("通话记录里的录音：{count}"),
            Lang::En => format!("recordings on record: {count}"),
        });
        Ok(right && bad == 0)
    }

    /// What each recording lacks, as its call's record says.
    fn tell_losses(&self, recorded: &Recorded) {
        let lacking = recorded.tapes.iter();
        for (id, said) in lacking.filter(|(_, said)| said.lost > 0 || said.given_up) {
            let seconds = said.lost as f64 / 50.0;
            let line = match (said.given_up, self.lang) {
                (true, Lang::Zh) => {
                    format!("磁盘拒绝写入，录音中止，缺 {seconds:.2} 秒（各方合计）")
                }
                (true, Lang::En) => format!(
                    "was given up, for the disk refused: {seconds:.2} s are missing, of all parties"
                ),
                (false, Lang::Zh) => format!("缺 {seconds:.2} 秒（各方合计）"),
                (false, Lang::En) => format!("{seconds:.2} s are missing, of all parties"),
            };
            eprintln!("{id}: {line}");
        }
    }

    fn wrong(&self, id: TapeId, (zh, en): (&str, &str)) {
        eprintln!("{id}: {}", say(self.lang, zh, en));
    }

    /// The last hash is printed, so that it can be kept elsewhere.
    fn chain(&self, ledger: &Ledger, name: &str) -> Result<bool, Fault> {
        let (rows, broken) = ledger.rows()?;
        let last = rows.last().map_or("-", |row| row.hash.as_str());
        let count = rows.len();
        tell(&match self.lang {
            Lang::Zh => format!("{name}：{count} 条，末条 {last}"),
            Lang::En => format!("{name}: {count} rows, the last {last}"),
        });
        if let Some(broken) = broken {
            let line = broken.line;
            eprintln!(
                "{}",
                match self.lang {
                    Lang::Zh => format!("{name} 第 {line} 行被改动过，或前面缺行"),
                    Lang::En =>
                        format!("{name}: line {line} was changed, or rows before it are gone"),
                }
            );
        }
        Ok(broken.is_none())
    }
}

/// What the call records say of one recording.
#[derive(Clone, Copy)]
struct Said {
    /// It ended as it should.
    ended: bool,
    /// Blocks that it lacks.
    lost: u64,
    /// It was given up before its end.
    given_up: bool,
}

/// What the call records say of recordings.
#[derive(Default)]
struct Recorded {
    tapes: BTreeMap<TapeId, Said>,
    /// Calls in which somebody refused.
    refused: BTreeSet<CallId>,
}

impl Recorded {
    /// Reads the file of the records; nothing is on record if it is not there.
    fn read(path: &Path) -> Result<Self, Fault> {
        let mut out = Self::default();
        if !path.exists() {
            return Ok(out);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })?;
        runtime.block_on(async {
            let store = Store::open(path).await?;
            let read = store.recordings(|call, said| {
                if said.refused.is_some() {
                    out.refused.insert(call);
                }
                for tape in said.tapes {
                    let segment = tape.segment;
                    let id = TapeId { call, segment };
                    let ended = tape.ended.is_some();
                    let (lost, given_up) = (tape.lost, tape.given_up);
                    out.tapes.insert(
                        id,
                        Said {
                            ended,
                            lost,
                            given_up,
                        },
                    );
                }
            });
            let read = read.await;
            store.close().await;
            read
        })?;
        Ok(out)
    }

    /// What a file is that the records know otherwise, in Chinese and in English. A call that is still on
    /// has no record yet.
    fn contradicts(
        &self,
        found: &Found,
        end: Option<&End>,
    ) -> Option<(&'static str, &'static str)> {
        let id = found.header.tape;
        if found.refused || self.refused.contains(&id.call) {
            return Some(("来电者已拒绝，文件仍在", "was refused and is still here"));
        }
        let ended = self.tapes.get(&id).is_some_and(|said| said.ended);
        (ended && end == Some(&End::CutOff)).then_some((
            "通话记录说已结束，文件却没有结尾",
            "ended, as the record says, and has no end",
        ))
    }

    /// What is on record and neither on the shelf nor in the list of deletions.
    fn missing(&self, found: &[Found], rows: &[Row]) -> Vec<TapeId> {
        let found = found.iter().map(|it| it.header.tape);
        let gone = rows.iter().filter_map(|row| row.tape.parse().ok());
        let known: BTreeSet<TapeId> = found.chain(gone).collect();
        let tapes = self.tapes.keys().copied();
        tapes.filter(|id| !known.contains(id)).collect()
    }
}

fn read_through(found: &Found, keys: &Keys) -> Result<End, RecordingError> {
    let mut reader = Reader::open(&found.path, keys)?;
    while reader.chunk()?.is_some() {}
    Ok(reader.end().unwrap_or(End::CutOff))
}

fn shown(event: &Event) -> String {
    match event {
        Event::Began { about } => format!("begin {about}"),
        Event::Joined { track, party } => format!("+{track} {party}"),
        Event::Left { track } => format!("-{track}"),
        Event::Note { note } => note.replace(char::is_control, " "),
        Event::Ended { lost } => format!("end lost={lost}"),
    }
}

fn tell(line: &str) {
    // Nobody may be reading it.
    let _ = writeln!(io::stdout(), "{line}");
}
