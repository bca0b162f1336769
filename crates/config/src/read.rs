//! From the text to the [`Config`]: reads every part in the order in which they refer to each other.

use crate::directory::directory;
use crate::error::{ConfigError, Warning};
use crate::include::KEY;
use crate::merge::merge;
use crate::section::Section;
use crate::sink::Sink;
use crate::sources::Sources;
use crate::types::{Config, Lang};
use crate::{
    care, doubts, hep, implied, keys, ladders, networks, recording, routes, secure, service, table,
};
use meishier_model::Wall;
use std::path::PathBuf;
use std::time::Duration;

/// Shards if the file names no number.
const DEFAULT_SHARDS: u16 = 4;

pub(crate) fn parse(
    sources: &Sources,
    today: Option<Wall>,
) -> Result<(Config, Vec<Warning>), Vec<ConfigError>> {
    let sink = Sink::default();
    sink.adopt(&sources.mistakes, &sources.doubts);
    // What stands in a file that is not TOML, or in one that is not there, can only be guessed; so
    // these are told first.
    let sound = sink.count() == 0;
    let Some(whole) = merge(sources, &sink).filter(|_| sound) else {
        return Err(sink.into_lists().0);
    };
    // The top of the main file stands for what is missing altogether.
    let top = Section::new(&sink, &whole, 0..0, "");
    // Followed before; asked for here so that a slip of it has a near name.
    top.raw(KEY);
    let config = read(&top, today);
    top.finish();
    let (errors, warnings) = sink.into_lists();
    match config {
        Some(config) if errors.is_empty() => {
            let table_hash = sources.hash();
            Ok((
                Config {
                    table_hash,
                    ..config
                },
                warnings,
            ))
        }
        _ => Err(errors),
    }
}

fn read(top: &Section<'_>, today: Option<Wall>) -> Option<Config> {
    let sink = top.sink();
    let name = top
        .need_text("name", "\"贵州 12356\"")
        .map_or("", |name| name.value);
    let lang = top.choice("lang", &[("zh", Lang::Zh), ("en", Lang::En)]);
    let shards = top
        .number("shards", 1..=64)
        .and_then(|at| u16::try_from(at.value).ok());
    let prompts = top.full_text("prompts_dir", "\"prompts\"");
    let limits = Duration::ZERO..=Duration::from_secs(6 * 3600);
    let shutdown = top.duration("shutdown_limit", limits);
    let zone = routes::zone(top);
    let mut directory = directory(top, &zone, today)?;
    let mut table = table::read(top, &directory, today);
    let (mut care, call_backs, care_span) = care::care(top, &directory);
    table.care_span = care_span;
    implied::add(sink, &mut directory, &mut table, &mut care);
    let transfer = top.table("transfer", "[transfer]");
    let transfer = keys::plan(transfer, &directory, care.nuisance_key.as_ref());

    let before = sink.count();
    let section = top.table("sip", "[sip]");
    let span = section.as_ref().map_or(0..0, |it| it.span.clone());
    let sip = service::sip(section);
    secure::check(sink, &span, &sip, &directory.trunks, &directory.seats);
    let common = directory.uses_common_rtp();
    let seats = common.then_some(directory.seats.len());
    let rtp = service::rtp(top, &sip, seats, before);
    networks::check(
        sink,
        &directory.networks,
        (&sip, &rtp, usize::from(shards.unwrap_or(DEFAULT_SHARDS))),
        &directory.trunks,
        &directory.seats,
    );
    let dns = crate::dns::dns(top.table("dns", "[dns]"));
    let http = service::http(top.table("http", "[http]"));
    let records = service::records(top.table("records", "[records]"));
    let section = top.table("recording", "[recording]");
    let recording = recording::recording(sink, section, &directory.pools, &records.path);
    let hep = hep::hep(top.table("hep", "[hep]"));
    let dossier = crate::dossier::dossier(top.table("dossier", "[dossier]"), &transfer);
    let offer = service::offer(top.table("offer", "[offer]"));
    let waiting = service::waiting(top.table("waiting", "[waiting]"));

    ladders::check(sink, &directory, &table);
    doubts::all(sink, &directory, &table, today);
    let sound = sink.count() == 0;
    let compiled = sound.then(|| table::compile(sink, zone, &directory, table))?;
    let (routing, rule_places) = compiled?;
    Some(Config {
        table_hash: String::new(),
        name: name.to_owned(),
        shards: shards.unwrap_or(DEFAULT_SHARDS),
        sip,
        rtp,
        networks: directory
            .networks
            .into_iter()
            .map(|it| it.network)
            .collect(),
        dns,
        http,
        records,
        recording,
        hep,
        dossier,
        trunks: directory.trunks,
        pools: directory
            .pools
            .into_iter()
            .map(|entry| entry.pool)
            .collect(),
        skills: directory.skills,
        tags: directory.tags,
        seats: directory.seats,
        counsellors: directory.counsellors,
        offer,
        waiting,
        transfer,
        routing,
        rule_places,
        care,
        call_backs,
        lang: lang.unwrap_or_default(),
        prompts_dir: prompts.map(|text| PathBuf::from(text.value)),
        shutdown_limit: shutdown.map_or(Duration::from_secs(600), |at| at.value),
    })
}
