//! Words of decisions that the tools share.

use meishier_config::{Config, Lang};
use meishier_model::{PoolId, SkillId, SkillSet};
use meishier_routing::{Miss, Preference, Service};

/// One of two languages.
pub fn say<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// A list with the comma of the language.
pub fn join(list: &[String], lang: Lang) -> String {
    list.join(say(lang, "、", ", "))
}

/// A pool's name; empty if there is none.
pub fn pool(config: &Config, pool: PoolId) -> &str {
    config
        .pools
        .get(usize::from(pool.0))
        .map_or("", |it| &it.name)
}

/// The names of skills.
pub fn skills(config: &Config, set: SkillSet) -> Vec<String> {
    let names = config.skills.iter().zip(0u8..);
    let held = names.filter(|(_, at)| SkillId::new(*at).is_some_and(|id| set.contains(id)));
    held.map(|(name, _)| name.clone()).collect()
}

/// A skill's name.
pub fn skill(config: &Config, id: SkillId) -> &str {
    config
        .skills
        .get(usize::from(id.index()))
        .map_or("", String::as_str)
}

/// `危机 +1000`
pub fn preference(config: &Config, preference: &Preference) -> String {
    format!("{} +{}", skill(config, preference.skill), preference.weight)
}

/// The state's title.
pub fn service(state: Service, lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => state.zh(),
        Lang::En => state.en(),
    }
}

/// Why a rule was passed over.
pub fn miss(config: &Config, miss: Miss, lang: Lang) -> String {
    if let Miss::State(id) = miss {
        let name = pool(config, id);
        return match lang {
            Lang::Zh => format!("坐席组 {name} 不在所要求的状态"),
            Lang::En => format!("pool {name} is in another state"),
        };
    }
    let (zh, en) = match miss {
        Miss::Called => ("拨的是别的号码", "another number was dialled"),
        Miss::Callers => ("来电号码的开头不符", "the caller's number begins otherwise"),
        Miss::Trunks => ("从别的中继来", "it came over another trunk"),
        Miss::Cities => (
            "来电者的城市不符或不明",
            "the caller's city is another, or unknown",
        ),
        Miss::Provinces => (
            "来电者的省份不符或不明",
            "the caller's province is another, or unknown",
        ),
        Miss::Hours => ("不在规定的日子和钟点", "it is another day or hour"),
        Miss::State(_) => ("坐席组不在所要求的状态", "a pool is in another state"),
        Miss::Risk => ("是否高危不符", "the caller is at risk, or is not"),
        Miss::Nuisance => ("是否骚扰不符", "the caller is held for nuisance, or is not"),
        Miss::Tags => (
            "没有所要求的标签",
            "none of the tags is known of the caller",
        ),
        Miss::Expired => ("已过期", "it has run out"),
        Miss::Later => ("前面已有规则决定", "an earlier rule had decided"),
    };
    say(lang, zh, en).to_owned()
}
