//! The shipped configuration, made fit for a demo on loopback.

use super::moment::Moment;
use meishier_config::{Config, Lang, Listen, Receiver, Recovery, To, Transport, WebAddress};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::Query;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The shipped configuration.
pub const GUIZHOU: &str = include_str!("../../../../deploy/guizhou.toml");

/// How long a seat rings; a phone of the cast answers within 1.3 s.
const RING: Duration = Duration::from_secs(5);
/// How long a seat that did not take a call is left alone.
const BACKOFF: Duration = Duration::from_secs(3);
/// Rest after a call.
const WRAPUP: Duration = Duration::from_secs(1);
/// How long the end of the demo waits for calls.
const SHUTDOWN: Duration = Duration::from_secs(30);
/// A qualification that has expired is renewed for as long, milliseconds.
const RENEWED_MS: i64 = 365 * 24 * 3600 * 1000;
/// What callers of the province dial: from a mobile, or with one of its area codes.
const DIALLED: [&str; 8] = [
    "12356",
    "085112356",
    "085412356",
    "085512356",
    "085612356",
    "085712356",
    "085812356",
    "085912356",
];

/// What the demo's run asks for.
pub struct Wishes {
    /// Where SIP listens, UDP and TCP.
    pub sip: SocketAddr,
    /// Where the console listens.
    pub http: SocketAddr,
    /// Where calls out go: the police phone.
    pub out: SocketAddr,
    /// Where the overseeing body gets dossiers.
    pub oversight: SocketAddr,
    /// The records file.
    pub records: PathBuf,
    /// Civil time at the start.
    pub moment: Moment,
    /// Shards, if not as the file says.
    pub shards: Option<u16>,
}

/// Reads `text` and adapts it; also gives civil time at the start.
///
/// # Errors
/// What is wrong with the text, or a moment that there is not. The shipped text has no mistakes.
pub fn config(text: &str, wishes: &Wishes) -> Result<(Config, Wall), String> {
    let (mut config, _) = meishier_config::parse(text, None)
        .map_err(|errors| meishier_config::render(&errors, "guizhou.toml", text, Lang::Zh))?;
    let wall = wishes.moment.wall(&config.routing);
    let wall = wall.ok_or("no such moment in the zone of guizhou.toml")?;
    config.sip.listen = [Transport::Udp, Transport::Tcp]
        .map(|transport| Listen::new(transport, wishes.sip))
        .to_vec();
    config.http.listen = wishes.http;
    config.records.path.clone_from(&wishes.records);
    config.shards = wishes.shards.unwrap_or(config.shards);
    config.shutdown_limit = SHUTDOWN;
    config.dossier.receivers = vec![receiver(wishes.oversight)];
    for trunk in &mut config.trunks {
        // Port 0: any port of loopback, so that people can call with phones of their own.
        trunk.peers = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        trunk.to = vec![To::only(wishes.out)];
    }
    let offer = &mut config.offer;
    offer.ring = RING;
    offer.backoff = BACKOFF;
    offer.wrapup = WRAPUP;
    offer.keep_caller_user = true;
    // The demo is over in minutes: a counsellor who rests for ten of them after a caller at risk would
    // be missing from what is to be shown.
    config.care.recovery = Recovery::default();
    for counsellor in &mut config.counsellors {
        if let Some(qualification) = &mut counsellor.qualification
            && qualification.expires <= wall
        {
            qualification.expires = Wall(wall.0 + RENEWED_MS);
        }
    }
    Ok((config, wall))
}

/// The overseeing body, which gets the dossier of every emergency key.
fn receiver(at: SocketAddr) -> Receiver {
    Receiver {
        name: "oversight".into(),
        url: WebAddress {
            secure: false,
            host: at.ip().to_string(),
            port: at.port(),
            path: "/dossiers".into(),
        },
        keys: Vec::new(),
        consent: false,
        emergencies: true,
        secret: None,
        identity: None,
        trusted_ca: None,
    }
}

/// True if the pool has lines at that moment.
pub fn open(config: &Config, pool: PoolId, wall: Wall) -> bool {
    config.routing.lines(pool, wall) > 0
}

/// What callers dial who come to one of `pools` soonest; `None` if nobody comes there at that moment.
pub fn number_for(config: &Config, pools: &[PoolId], wall: Wall) -> Option<&'static str> {
    let wait = |called: &&'static str| {
        let caller = DialString::new("13985000000");
        let called = DialString::new(called);
        let decision = config
            .routing
            .decide(&Query::new(wall, TrunkId(0), &caller, &called));
        let mut open_rings = (decision.rings.iter())
            .filter(|ring| open(config, ring.pool, wall))
            .enumerate();
        // First in turn means at once, whatever wait is written beside it.
        open_rings.find_map(|(turn, ring)| {
            let at_once = if turn == 0 {
                Duration::ZERO
            } else {
                ring.after
            };
            pools.contains(&ring.pool).then_some((at_once, turn))
        })
    };
    let numbers = DIALLED.into_iter();
    numbers
        .filter_map(|called| Some((wait(&called)?, called)))
        .min_by_key(|(wait, _)| *wait)
        .map(|(_, called)| called)
}

#[cfg(test)]
pub mod tests {
    use super::super::moment::NIGHT;
    use super::*;
    use meishier_config::{AnswerMode, Early};

    pub fn adapted(when: &str) -> (Config, Wall) {
        let wishes = Wishes {
            sip: "127.0.0.1:5999".parse().unwrap(),
            http: "127.0.0.1:8999".parse().unwrap(),
            out: "127.0.0.1:6999".parse().unwrap(),
            oversight: "127.0.0.1:7999".parse().unwrap(),
            records: "/nowhere/records.db".into(),
            moment: Moment::parse(when).unwrap(),
            shards: None,
        };
        config(GUIZHOU, &wishes).unwrap()
    }

    #[test]
    fn the_shipped_file_fits() {
        let (config, wall) = adapted("2026-03-04T10:00");
        assert_eq!(wall, Wall(1_772_589_600_000), "02:00 UTC");
        assert_eq!(config.seats.len(), 23);
        assert!(
            config.shards >= 4,
            "a pool's callers and seats on different shards"
        );
        assert_eq!(config.sip.listen.len(), 2);
        assert!(config.sip.listen.iter().all(|l| l.address.port() == 5999));
        for trunk in &config.trunks {
            assert_eq!(trunk.peers, ["127.0.0.1:0".parse().unwrap()]);
            assert_eq!(trunk.to, [To::only("127.0.0.1:6999".parse().unwrap())]);
            // Waiting callers must hear something.
            let heard = matches!(
                trunk.answer,
                AnswerMode::AtOnce
                    | AnswerMode::OnSeat {
                        early: Early::Progress183,
                        ..
                    }
            );
            assert!(heard);
        }
        assert!(config.offer.keep_caller_user && config.waiting.music);
        assert!(config.http.token.is_none());
        assert_eq!(config.care.recovery, Recovery::default());
    }

    #[test]
    fn qualifications_hold_in_any_year() {
        for when in ["2026-03-04T10:00", "2031-03-05T10:00"] {
            let (config, wall) = adapted(when);
            let valid = |c: &meishier_config::Counsellor| {
                c.qualification.as_ref().is_none_or(|q| q.expires > wall)
            };
            assert!(config.counsellors.iter().all(valid), "{when}");
        }
    }

    #[test]
    fn callers_dial_where_seats_answer() {
        let (config, day) = adapted("2026-03-04T10:00");
        let night = Moment::default().at(NIGHT).wall(&config.routing).unwrap();
        let number = |name: &str, wall| {
            let seat = config.seats.iter().find(|s| s.name == name).unwrap();
            number_for(&config, &seat.pools, wall)
        };
        assert_eq!(number("gz01", day), Some("12356"));
        assert_eq!(number("gy01", day), Some("085112356"));
        assert_eq!(number("as01", day), Some("085112356"));
        assert_eq!(number("qn01", day), Some("085412356"));
        assert_eq!(number("lps01", day), Some("085812356"));
        assert_eq!(number("lps01", night), Some("085812356"));
        assert_eq!(number("gz01", night), Some("12356"));
        assert_eq!(number("qn01", night), None, "closed at night");
        for seat in &config.seats {
            assert!(number(&seat.name, day).is_some(), "{}", seat.name);
        }
    }
}
