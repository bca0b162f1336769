//! What must stay as it is while the engine runs; everything else of the file may change under it.

use crate::implied::IMPLIED;
use crate::types::{Config, Lang};
use std::path::PathBuf;

/// One thing that differs and takes a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The section or key of the file, such as `sip.domain`.
    pub key: &'static str,
    /// What differs, in Chinese.
    pub message_zh: String,
    /// What differs, in English.
    pub message_en: String,
}

impl Difference {
    /// What differs, in the language asked for.
    #[must_use]
    pub fn message(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.message_zh,
            Lang::En => &self.message_en,
        }
    }
}

/// What each list of names is called.
const LISTS: [(&str, &str, &str); 6] = [
    ("skills", "技能", "skills"),
    ("tags", "标签", "tags"),
    ("pools", "坐席组", "pools"),
    ("seats", "坐席", "seats"),
    ("trunks", "中继", "trunks"),
    ("counsellors", "咨询员", "counsellors"),
];

impl Config {
    /// Whether an engine that runs with this configuration may go on with `new`: the same things
    /// by the same names in the same order, the same sockets, sizes and files. Calls, seats and
    /// records speak of them by their place in the file, and sockets and threads are made at start.
    ///
    /// Areas, routes, policies, lists, exceptional times, number blocks and cells may all change, and
    /// tags may be added behind the others. Skills that the file implies may come and go as long
    /// as none moves.
    ///
    /// # Errors
    /// Everything that takes a restart, in order of the file's sections; never empty.
    pub fn same_identity(&self, new: &Config) -> Result<(), Vec<Difference>> {
        let mut found = self.other_values(new);
        for ((key, zh, en), (old, new)) in LISTS.into_iter().zip(names(self).zip(names(new))) {
            if let Some(place) = first_difference(&old, &new)
                && !(grows(key) && place == old.len())
            {
                found.push(list_differs(key, zh, en, place, &old, &new));
            }
        }
        if !same_or_longer(implied(self), implied(new)) {
            found.push(differs("preferences, care"));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn other_values(&self, new: &Config) -> Vec<Difference> {
        let (sip, rtp) = (&self.sip, &self.rtp);
        let timers = |c: &Config| (c.sip.t1, c.sip.t2, c.sip.t4);
        let checks = [
            ("shards", self.shards == new.shards),
            ("sip.listen", sip.listen == new.sip.listen),
            ("sip.advertised", sip.advertised == new.sip.advertised),
            ("sip.dscp", sip.dscp == new.sip.dscp),
            ("sip.domain", sip.domain == new.sip.domain),
            ("sip.user_agent", sip.user_agent == new.sip.user_agent),
            ("sip.digest", sip.digest == new.sip.digest),
            ("sip.t1, t2, t4", timers(self) == timers(new)),
            ("sip.max_calls", sip.max_calls == new.sip.max_calls),
            ("rtp", *rtp == new.rtp),
            ("networks", self.networks == new.networks),
            ("trunks.network, seats.network", homes(self).eq(homes(new))),
            ("http", self.http == new.http),
            ("records.path", self.records == new.records),
            ("recording", kept(self) == kept(new)),
            ("hep", self.hep == new.hep),
            ("dossier", self.dossier == new.dossier),
            ("prompts_dir", self.prompts_dir == new.prompts_dir),
        ];
        let differing = checks.into_iter().filter(|(_, same)| !same);
        differing.map(|(key, _)| differs(key)).collect()
    }
}

/// Where recordings go and by which keys: the recorder is made at start.
fn kept(config: &Config) -> Option<(&PathBuf, &[PathBuf])> {
    let recording = config.recording.as_ref()?;
    Some((&recording.folder, &recording.key_files))
}

/// Which network each trunk and each seat is in: ports are dealt out by it.
fn homes(config: &Config) -> impl Iterator<Item = Option<u8>> {
    let trunks = config.trunks.iter().map(|trunk| trunk.network);
    trunks.chain(config.seats.iter().map(|seat| seat.network))
}

fn differs(key: &'static str) -> Difference {
    Difference {
        key,
        message_zh: format!("{key} 已改动，需要重启才能生效"),
        message_en: format!("{key} has changed, which takes a restart"),
    }
}

/// True for a list that may grow at its end: nothing that runs has the size of it.
fn grows(key: &str) -> bool {
    key == "tags"
}

/// Skills behind those that the file names, see [`crate::implied`]. They may come and go as long
/// as each keeps its place: callers who wait only prefer them.
fn implied(config: &Config) -> &[String] {
    let own = own_skills(config);
    config.skills.get(own..).unwrap_or_default()
}

fn own_skills(config: &Config) -> usize {
    let of_file = |name: &String| !IMPLIED.contains(&name.as_str());
    config.skills.iter().filter(|name| of_file(name)).count()
}

fn same_or_longer(old: &[String], new: &[String]) -> bool {
    old.iter().zip(new).all(|(old, new)| old == new)
}

/// The names of each of [`LISTS`].
fn names(config: &Config) -> impl Iterator<Item = Vec<&str>> {
    [
        config
            .skills
            .iter()
            .take(own_skills(config))
            .map(String::as_str)
            .collect(),
        config.tags.iter().map(String::as_str).collect(),
        config.pools.iter().map(|it| it.name.as_str()).collect(),
        config.seats.iter().map(|it| it.name.as_str()).collect(),
        config.trunks.iter().map(|it| it.name.as_str()).collect(),
        config
            .counsellors
            .iter()
            .map(|it| it.account.as_str())
            .collect(),
    ]
    .into_iter()
}

fn first_difference(old: &[&str], new: &[&str]) -> Option<usize> {
    let longest = old.len().max(new.len());
    (0..longest).find(|at| old.get(*at) != new.get(*at))
}

fn list_differs(
    key: &'static str,
    zh: &str,
    en: &str,
    at: usize,
    old: &[&str],
    new: &[&str],
) -> Difference {
    let place = at + 1;
    let (message_zh, message_en) = match (old.get(at), new.get(at)) {
        (Some(old), Some(new)) => (
            format!("第 {place} 个{zh}原为 {old:?}，现为 {new:?}：名字和顺序改动需要重启"),
            format!(
                "{en}: number {place} was {old:?} and is {new:?}; names and their order take a restart"
            ),
        ),
        (Some(old), None) => (
            format!("{zh}少了第 {place} 个（{old:?}）：删除需要重启"),
            format!("{en}: number {place} ({old:?}) is gone; removing takes a restart"),
        ),
        (None, new) => {
            let new = new.copied().unwrap_or_default();
            (
                format!("{zh}多了第 {place} 个（{new:?}）：新增需要重启"),
                format!("{en}: number {place} ({new:?}) is new; adding takes a restart"),
            )
        }
    };
    Difference {
        key,
        message_zh,
        message_en,
    }
}
