//! The files of a configuration on the disk: one, or all of a folder, and those that they include.

use meishier_config::{Entry, Files, Lang, MAX_FILE_BYTES, MAX_FILES, Source, Sources, Unreadable};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file of a folder that is read before the others.
const MAIN: &str = "main.toml";
/// Most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 20_000;

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads what `--config` names: a file, or a folder of which every `*.toml` counts, `main.toml`
/// first and the others by name. Hidden files and folders within are left out.
///
/// # Errors
/// Why a file that was named, or lies in the folder, cannot be read; never empty.
pub fn read(path: &Path) -> Result<Sources, Vec<Unreadable>> {
    let (mut named, mut failures) = (Vec::new(), Vec::new());
    for path in paths(path).map_err(|why| vec![why])? {
        match text(&path, MAX_FILE_BYTES) {
            Ok(text) => named.push(Source {
                name: path.to_string_lossy().into_owned(),
                text,
            }),
            Err(why) => failures.push(why),
        }
    }
    if failures.is_empty() {
        Ok(Sources::gather(named, &mut Disk))
    } else {
        Err(failures)
    }
}

/// The words of a reason in a language.
pub fn words(why: &Unreadable, lang: Lang) -> &str {
    match lang {
        Lang::Zh => &why.message_zh,
        Lang::En => &why.message_en,
    }
}

fn paths(path: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut names = entries(path)?;
    names.retain(|it| !it.is_folder && it.name.ends_with(".toml") && !it.name.starts_with('.'));
    names.sort_by_key(|it| (it.name != MAIN, it.name.clone()));
    let folder = path.display();
    if names.is_empty() {
        return Err(Unreadable {
            message_zh: format!("文件夹 {folder} 里没有 .toml 文件"),
            message_en: format!("folder {folder} holds no .toml file"),
        });
    }
    if names.len() > MAX_FILES {
        return Err(Unreadable {
            message_zh: format!("文件夹 {folder} 里文件太多，最多 {MAX_FILES} 个"),
            message_en: format!("folder {folder} holds too many files, at most {MAX_FILES}"),
        });
    }
    Ok(names.iter().map(|it| path.join(&it.name)).collect())
}

/// Files as they lie on the disk.
struct Disk;

impl Files for Disk {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        entries(Path::new(if folder.is_empty() { "." } else { folder }))
    }

    fn text(&mut self, name: &str, most: usize) -> Result<String, Unreadable> {
        text(Path::new(name), most)
    }
}

fn entries(folder: &Path) -> Result<Vec<Entry>, Unreadable> {
    let failed = |error: io::Error| {
        let folder = folder.display();
        Unreadable {
            message_zh: format!("无法读取文件夹 {folder}：{error}"),
            message_en: format!("folder {folder} cannot be read: {error}"),
        }
    };
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A name that is not text fits no pattern.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if out.len() >= MAX_ENTRIES {
            return Err(failed(io::Error::other("too many entries")));
        }
        // Links count as what they lead to.
        let is_folder = entry.path().is_dir();
        out.push(Entry { name, is_folder });
    }
    Ok(out)
}

fn text(path: &Path, most: usize) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    let file = path.display();
    if let Err(error) = read {
        return Err(Unreadable {
            message_zh: format!("无法读取配置文件 {file}：{error}"),
            message_en: format!("configuration file {file} cannot be read: {error}"),
        });
    }
    if bytes.len() > most {
        // It is refused for its length; what stands in it does not matter.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    // Some editors begin a file with a mark that nobody sees; it would be a column of the first line.
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
    // Editors of Chinese systems still write other encodings than UTF-8.
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(good);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Unreadable {
            message_zh: format!(
                "配置文件 {file} 不是 UTF-8 编码（第 {line} 行）；请用编辑器另存为 UTF-8"
            ),
            message_en: format!(
                "configuration file {file} is not UTF-8 (line {line}); save it in that encoding"
            ),
        }
    })
}
