//! Reading a recording back, chunk by chunk; nothing is given out that was not authenticated.

use crate::format::{BEFORE, HEADER, MAX_CHUNK};
use crate::keys::{DataKey, TAG};
use crate::{Entry, Header, Keys, RecordingError};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Where a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where it was ended.
    Whole,
    /// Earlier: the program or the machine stopped, or something was cut off.
    CutOff,
}

/// A recording that is read.
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    key: DataKey,
    next: u64,
    end: Option<End>,
}

impl Reader {
    /// Opens a recording.
    ///
    /// # Errors
    /// [`RecordingError::File`], [`RecordingError::Foreign`], [`RecordingError::Deleted`],
    /// [`RecordingError::OtherKey`], [`RecordingError::Damaged`] of the header.
    pub fn open(path: &Path, keys: &Keys) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(RecordingError::file(path))?;
        let mut file = BufReader::new(file);
        let mut bytes = [0; HEADER];
        file.read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => RecordingError::Foreign(path.to_owned()),
                _ => RecordingError::file(path)(error),
            })?;
        let header = Header::parse(bytes, path)?;
        let key = header.data_key(keys)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            key,
            next: 0,
            end: None,
        })
    }

    /// What the file says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How it ended, once [`Self::chunk`] has given nothing more.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The entries of the next chunk; `None` at the end.
    ///
    /// # Errors
    /// [`RecordingError::File`]; [`RecordingError::Damaged`] at the first chunk that is not as it was
    /// written, also if it was moved or taken out, or if something follows the last.
    pub fn chunk(&mut self) -> Result<Option<Vec<Entry>>, RecordingError> {
        let number = self.next;
        let damaged = || RecordingError::Damaged {
            chunk: Some(number),
        };
        let mut before = [0; BEFORE];
        match fill(&mut self.file, &mut before).map_err(RecordingError::file(&self.path))? {
            0 => {
                self.end.get_or_insert(End::CutOff);
                return Ok(None);
            }
            _ if self.end == Some(End::Whole) => return Err(damaged()),
            BEFORE => {}
            _ => {
                self.end = Some(End::CutOff);
                return Ok(None);
            }
        }
        let [a, b, c, d, last] = before;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > MAX_CHUNK || last > 1 {
            return Err(damaged());
        }
        let mut bytes = vec![0; length + TAG];
        let read = fill(&mut self.file, &mut bytes).map_err(RecordingError::file(&self.path))?;
        if read < bytes.len() {
            self.end = Some(End::CutOff);
            return Ok(None);
        }
        let (body, tag) = bytes.split_at_mut(length);
        let tag: [u8; TAG] = std::array::from_fn(|i| tag.get(i).copied().unwrap_or(0));
        let about = self.header.about_chunk(number, last == 1);
        if !self.key.open(number, &about, body, tag) {
            return Err(damaged());
        }
        self.next += 1;
        if last == 1 {
            self.end = Some(End::Whole);
        }
        let mut entries = Vec::new();
        let mut rest: &[u8] = body;
        while !rest.is_empty() {
            let (entry, after) = Entry::read(rest).ok_or_else(damaged)?;
            entries.push(entry);
            rest = after;
        }
        Ok(Some(entries))
    }
}

/// Reads until the buffer is full or the file ends; gives how much.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
