//! Searches with a real resolver and a server of the test's own.

#[path = "../../tests/support/dns.rs"]
mod dns;

use super::locate::{Located, NoAnswer, Wanted, Way, locate};
use super::records::Records;
use dns::{Server, a, aaaa, cname, naptr, srv};
use meishier_engine::config::Dns;
use meishier_engine::signaling::Transport::{self, Tcp, Tls, Udp};
use std::time::Duration;

const EVERYTHING: [Way; 6] = [
    (Udp, true),
    (Tcp, true),
    (Tls, true),
    (Udp, false),
    (Tcp, false),
    (Tls, false),
];
const V4: [Way; 3] = [(Udp, true), (Tcp, true), (Tls, true)];

fn wanted(port: Option<u16>, transport: Option<Transport>) -> Wanted {
    Wanted {
        host: "carrier.example".into(),
        port,
        transport,
    }
}

fn records(server: &Server) -> Records {
    let servers = vec![server.address];
    Records::new(&Dns { servers }).unwrap()
}

/// Each place as `transport address rank weight`.
async fn found(server: &Server, wanted: &Wanted, ways: &[Way]) -> Vec<String> {
    let located = locate(&records(server), wanted, ways).await.unwrap();
    shown(&located)
}

fn shown(located: &Located) -> Vec<String> {
    let places = located.places.iter();
    places
        .map(|it| {
            let (transport, weight) = (it.transport.as_str(), it.weight);
            let weight = weight.map_or("-".into(), |it| it.to_string());
            format!("{transport} {} {} {weight}", it.address, it.rank)
        })
        .collect()
}

#[tokio::test]
async fn naptr_leads_to_services_and_these_to_addresses() {
    let server = Server::start();
    server.set(
        "carrier.example",
        600,
        &[
            naptr(20, 1, "SIP+D2U", "_sip._udp.far.example"),
            naptr(10, 1, "SIP+D2T", "_sip._tcp.far.example"),
        ],
    );
    server.set(
        "_sip._tcp.far.example",
        700,
        &[
            srv(20, 5, 5070, "b.far.example"),
            srv(10, 1, 5071, "a.far.example"),
            srv(10, 3, 5072, "b.far.example"),
        ],
    );
    server.set(
        "_sip._udp.far.example",
        700,
        &[srv(1, 0, 5060, "a.far.example")],
    );
    server.set("a.far.example", 500, &[a("192.0.2.1"), a("192.0.2.2")]);
    server.set("b.far.example", 800, &[a("192.0.2.3")]);
    assert_eq!(
        found(&server, &wanted(None, None), &V4).await,
        [
            "TCP 192.0.2.1:5071 0 1",
            "TCP 192.0.2.2:5071 0 1",
            "TCP 192.0.2.3:5072 0 3",
            "TCP 192.0.2.3:5070 1 5",
            "UDP 192.0.2.1:5060 2 0",
            "UDP 192.0.2.2:5060 2 0",
        ]
    );
    let located = locate(&records(&server), &wanted(None, None), &V4).await;
    let holds = located.unwrap().holds;
    // As long as the first of its records, less what has passed.
    let hundred = Duration::from_secs(400)..=Duration::from_secs(500);
    assert!(hundred.contains(&holds), "{holds:?}");
}

#[tokio::test]
async fn without_naptr_every_transport_that_we_speak_is_asked_for() {
    let server = Server::start();
    server.set(
        "_sip._tcp.carrier.example",
        60,
        &[srv(1, 1, 5070, "a.example")],
    );
    server.set(
        "_sips._tcp.carrier.example",
        60,
        &[srv(1, 1, 5071, "a.example")],
    );
    server.set("a.example", 60, &[a("192.0.2.1")]);
    let all = found(&server, &wanted(None, None), &V4).await;
    assert_eq!(all, ["TCP 192.0.2.1:5070 0 1", "TLS 192.0.2.1:5071 1 1"]);
    let no_tls = found(&server, &wanted(None, None), &V4[..2]).await;
    assert_eq!(no_tls, ["TCP 192.0.2.1:5070 0 1"]);
}

#[tokio::test]
async fn without_services_the_addresses_of_the_name_are_taken() {
    let server = Server::start();
    let both = [a("192.0.2.1"), aaaa("2001:db8::1")];
    server.set("carrier.example", 60, &both);
    let everywhere = found(&server, &wanted(None, None), &EVERYTHING).await;
    assert_eq!(
        everywhere,
        ["UDP 192.0.2.1:5060 0 -", "UDP [2001:db8::1]:5060 0 -"]
    );
    let six = [(Udp, false)];
    let six = found(&server, &wanted(None, None), &six).await;
    assert_eq!(six, ["UDP [2001:db8::1]:5060 0 -"]);
    let tls = found(&server, &wanted(None, Some(Tls)), &V4).await;
    assert_eq!(tls, ["TLS 192.0.2.1:5061 0 -"]);
}

#[tokio::test]
async fn a_port_or_a_transport_saves_questions() {
    let server = Server::start();
    server.set("carrier.example", 60, &[a("192.0.2.1")]);
    server.set(
        "_sip._tcp.carrier.example",
        60,
        &[srv(1, 1, 5070, "carrier.example")],
    );
    let port = found(&server, &wanted(Some(5080), None), &V4).await;
    assert_eq!(port, ["UDP 192.0.2.1:5080 0 -"]);
    let both = found(&server, &wanted(Some(5080), Some(Tcp)), &V4).await;
    assert_eq!(both, ["TCP 192.0.2.1:5080 0 -"]);
    let asked = server.asked();
    assert!(
        asked.iter().all(|it| it == "A carrier.example."),
        "{asked:?}"
    );
    let transport = found(&server, &wanted(None, Some(Tcp)), &V4).await;
    assert_eq!(transport, ["TCP 192.0.2.1:5070 0 1"]);
    let asked = server.asked();
    assert!(!asked.iter().any(|it| it.contains("NAPTR")), "{asked:?}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_not_looked_for_elsewhere() {
    let server = Server::start();
    server.set("carrier.example", 60, &[a("192.0.2.1")]);
    server.set("_sip._udp.carrier.example", 60, &[srv(0, 0, 0, ".")]);
    let nobody = found(&server, &wanted(None, Some(Udp)), &V4).await;
    assert!(nobody.is_empty(), "{nobody:?}");
}

#[tokio::test]
async fn what_is_cut_off_is_asked_for_again_by_tcp() {
    let server = Server::start();
    let many: Vec<_> = (1..=60).map(|n| a(&format!("192.0.2.{n}"))).collect();
    server.set("carrier.example", 60, &many);
    server.truncate();
    let all = found(&server, &wanted(Some(5060), None), &V4).await;
    assert_eq!(all.len(), 60);
    assert!(server.asked().contains(&"TCP A carrier.example.".into()));
}

#[tokio::test]
async fn aliases_are_followed_and_loops_come_to_an_end() {
    let server = Server::start();
    server.set("carrier.example", 60, &[cname("edge.example")]);
    server.set("edge.example", 60, &[a("192.0.2.1")]);
    let all = found(&server, &wanted(Some(5060), None), &V4).await;
    assert_eq!(all, ["UDP 192.0.2.1:5060 0 -"]);
    let server = Server::start();
    server.set("carrier.example", 60, &[cname("edge.example")]);
    server.set("edge.example", 60, &[cname("carrier.example")]);
    let nobody = locate(&records(&server), &wanted(Some(5060), None), &V4).await;
    assert!(
        nobody.as_ref().map_or(true, |it| it.places.is_empty()),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn nobody_and_no_answer_are_told_apart() {
    let server = Server::start();
    let nobody = locate(&records(&server), &wanted(None, None), &V4).await;
    assert!(nobody.unwrap().places.is_empty());
    server.fail(true);
    let failed = locate(&records(&server), &wanted(None, None), &V4).await;
    assert_eq!(failed, Err(NoAnswer));
    server.fail(false);
    server.fall_silent();
    let silent = locate(&records(&server), &wanted(Some(5060), None), &V4).await;
    assert_eq!(silent, Err(NoAnswer));
}

#[tokio::test]
async fn a_question_without_an_answer_does_not_lose_the_rest() {
    let server = Server::start();
    server.set("carrier.example", 60, &[a("192.0.2.1")]);
    server.fail_on("NAPTR carrier.example.");
    server.fail_on("SRV _sip._udp.carrier.example.");
    let two = [srv(1, 1, 5070, "a.example"), srv(2, 1, 5070, "b.example")];
    server.set("_sip._tcp.carrier.example", 60, &two);
    server.set("a.example", 60, &[a("192.0.2.2")]);
    server.fail_on("A b.example.");
    let any = wanted(None, None);
    let located = locate(&records(&server), &any, &V4).await.unwrap();
    assert!(located.part);
    assert_eq!(shown(&located), ["TCP 192.0.2.2:5070 0 1"]);
    let without_services = locate(&records(&server), &any, &V4[..1]).await.unwrap();
    assert_eq!(shown(&without_services), ["UDP 192.0.2.1:5060 0 -"]);
    server.fail_on("AAAA carrier.example.");
    let by_port = wanted(Some(5060), None);
    let both = locate(&records(&server), &by_port, &EVERYTHING).await;
    assert_eq!(shown(&both.unwrap()), ["UDP 192.0.2.1:5060 0 -"]);
}

#[tokio::test]
async fn a_search_that_panics_is_one_without_an_answer() {
    let panics = async { panic!("what a server sends may be anything") };
    assert_eq!(super::guarded(panics).await, Err(NoAnswer));
}

mod planned {
    use crate::names::locate::{Located, NoAnswer, Place, Wanted};
    use crate::names::plan::{Bounds, Plan};
    use meishier_engine::config::{Config, parse};
    use meishier_engine::signaling::Transport;
    use std::time::{Duration, Instant};

    const BOUNDS: Bounds = Bounds {
        least: Duration::from_secs(5),
        most: Duration::from_secs(3600),
        again: Duration::from_secs(15),
    };

    fn config(trunk: &str) -> Config {
        let text = format!(
            "name = \"t\"\nzone = \"Asia/Shanghai\"\n[[trunks]]\nname = \"carrier\"\noutgoing_number = \"12356\"\n{trunk}\n\
             [[pools]]\nname = \"all\"\ntitle = \"all\"\nshifts = [{{ hours = \"00:00-24:00\", lines = 1 }}]\n\
             [[seats]]\nname = \"a\"\ncontact = \"sip:a@127.0.0.1:9\"\npools = [\"all\"]\n\
             [[counsellors]]\naccount = \"c\"\npin = \"00001\"\nseats = [\"a\"]\n\
             [routing]\ndefault = \"all\"\n[[routes]]\nname = \"all\"\nrings = [\"all\"]\n"
        );
        match parse(&text, None) {
            Ok((config, _)) => config,
            Err(errors) => panic!("{errors:?}"),
        }
    }

    fn located(places: &[(&str, u16, Option<u16>)], seconds: u64) -> Result<Located, NoAnswer> {
        let place = |(address, rank, weight): &(&str, u16, Option<u16>)| Place {
            address: address.parse().unwrap(),
            transport: Transport::Udp,
            rank: *rank,
            weight: *weight,
        };
        Ok(Located {
            places: places.iter().map(place).collect(),
            holds: Duration::from_secs(seconds),
            part: false,
        })
    }

    /// What is told: addresses with priority and weight, then callers.
    fn news(plan: &mut Plan) -> Vec<String> {
        let mut shown = Vec::new();
        for (_, outcome) in plan.news() {
            for target in outcome.targets {
                let (priority, weight) = (target.priority, target.weight);
                shown.push(format!("{} {priority} {weight}", target.address));
            }
            shown.extend(outcome.callers.iter().map(|it| format!("from {it}")));
        }
        shown
    }

    const TWO: &str = "peers = [\"192.0.2.9\", \"calls.example\"]\n\
        to = [{ address = \"a.example\", priority = 2, weight = 10 }, { address = \"192.0.2.9:5060\", priority = 1 }]";

    fn start(trunk: &str, now: Instant) -> (Plan, Vec<Wanted>) {
        let mut plan = Plan::new(BOUNDS);
        plan.follow(&config(trunk), now);
        let due = plan.take_due(now, 16);
        (plan, due)
    }

    #[test]
    fn the_files_priorities_go_before_those_of_dns_and_weights_multiply() {
        let now = Instant::now();
        let (mut plan, due) = start(TWO, now);
        let hosts: Vec<&str> = due.iter().map(|it| it.host.as_str()).collect();
        assert_eq!(hosts, ["a.example", "calls.example"]);
        assert!(news(&mut plan).is_empty(), "nothing is known yet");
        let services = [
            ("192.0.2.1:5060", 0, Some(3)),
            ("192.0.2.2:5060", 1, Some(9000)),
        ];
        plan.answer(now, &due[0], located(&services, 60));
        plan.answer(now, &due[1], located(&[("192.0.2.7:5060", 0, None)], 60));
        assert_eq!(
            news(&mut plan),
            [
                "192.0.2.9:5060 0 1",
                "192.0.2.1:5060 1 30",
                "192.0.2.2:5060 2 65535",
                "from 192.0.2.7",
            ]
        );
        assert!(news(&mut plan).is_empty(), "told once");
    }

    #[test]
    fn names_are_asked_for_as_often_as_they_say_within_bounds() {
        let now = Instant::now();
        let after = |seconds: u64| now + Duration::from_secs(seconds);
        let (mut plan, due) = start("peers = [\"192.0.2.9\"]\nto = [\"a.example\"]", now);
        assert_eq!(plan.due(), None, "it is being asked for");
        for (holds, next) in [(0, 5), (30, 30), (1_000_000, 3600)] {
            plan.answer(now, &due[0], located(&[("192.0.2.1:5060", 0, None)], holds));
            assert_eq!(plan.due(), Some(after(next)));
        }
        assert!(plan.take_due(after(3599), 16).is_empty());
        assert_eq!(plan.take_due(after(3600), 16), due);
    }

    #[test]
    fn what_was_found_last_holds_when_dns_is_dead_or_names_nobody() {
        let now = Instant::now();
        let (mut plan, due) = start("peers = [\"192.0.2.9\"]\nto = [\"a.example\"]", now);
        let one = || located(&[("192.0.2.1:5060", 0, None)], 30);
        assert!(!plan.answer(now, &due[0], one()));
        assert_eq!(news(&mut plan), ["192.0.2.1:5060 0 1"]);
        for nobody in [Err(NoAnswer), located(&[], 0)] {
            assert!(plan.answer(now, &due[0], nobody.clone()), "this is news");
            assert!(!plan.answer(now, &due[0], nobody), "but once");
            assert_eq!((plan.stale(), plan.is_stale(&due[0])), (1, true));
            assert!(news(&mut plan).is_empty());
            assert_eq!(plan.due(), Some(now + BOUNDS.again));
            assert!(plan.answer(now, &due[0], one()));
            assert_eq!(plan.stale(), 0);
        }
        plan.answer(now, &due[0], located(&[("192.0.2.2:5060", 0, None)], 30));
        assert_eq!(news(&mut plan), ["192.0.2.2:5060 0 1"]);
        // Another configuration forgets nothing of a name that stays, and tells it anew.
        plan.follow(
            &config("peers = [\"192.0.2.9\"]\nto = [\"a.example\"]"),
            now,
        );
        assert_eq!(news(&mut plan), ["192.0.2.2:5060 0 1"]);
        assert_eq!(plan.due(), Some(now));
    }

    #[test]
    fn a_name_that_was_never_found_is_told_once_as_nobody() {
        let now = Instant::now();
        let (mut plan, due) = start("peers = [\"192.0.2.9\"]\nto = [\"a.example\"]", now);
        plan.answer(now, &due[0], Err(NoAnswer));
        let told = plan.news();
        assert_eq!(told.len(), 1);
        assert!(told[0].1.targets.is_empty());
        plan.answer(now, &due[0], Err(NoAnswer));
        assert!(plan.news().is_empty());
    }

    #[test]
    fn a_part_of_an_answer_goes_behind_the_whole_one_and_is_asked_for_again_soon() {
        let now = Instant::now();
        let (mut plan, due) = start("peers = [\"192.0.2.9\"]\nto = [\"a.example\"]", now);
        let part = |address: &str| {
            let located = located(&[(address, 0, None)], 600);
            located.map(|it| Located { part: true, ..it })
        };
        plan.answer(now, &due[0], part("192.0.2.1:5060"));
        assert_eq!(news(&mut plan), ["192.0.2.1:5060 0 1"]);
        assert_eq!(plan.due(), Some(now + BOUNDS.again));
        let whole = [("192.0.2.2:5060", 0, None), ("192.0.2.3:5060", 1, None)];
        plan.answer(now, &due[0], located(&whole, 600));
        assert_eq!(
            news(&mut plan),
            ["192.0.2.2:5060 0 1", "192.0.2.3:5060 1 1"]
        );
        for _ in 0..2 {
            plan.answer(now, &due[0], part("192.0.2.4:5060"));
        }
        let all = [
            "192.0.2.2:5060 0 1",
            "192.0.2.3:5060 1 1",
            "192.0.2.4:5060 2 1",
        ];
        assert_eq!(news(&mut plan), all);
    }

    #[test]
    fn whoever_dns_gave_within_the_hour_may_still_call() {
        let start_of_all = Instant::now();
        let trunk = "peers = [\"calls.example\"]\nto = [\"192.0.2.9:5060\"]";
        let (mut plan, due) = start(trunk, start_of_all);
        let mut gives = |minutes: u64, address: &str| {
            let now = start_of_all + Duration::from_secs(60 * minutes);
            plan.answer(now, &due[0], located(&[(address, 0, None)], 60));
            let mut news = news(&mut plan);
            news.retain(|it| it.starts_with("from"));
            news
        };
        assert_eq!(gives(0, "192.0.2.1:5060"), ["from 192.0.2.1"]);
        let both = ["from 192.0.2.1", "from 192.0.2.2"];
        assert_eq!(gives(30, "192.0.2.2:5060"), both);
        assert_eq!(gives(60, "192.0.2.2:5060"), ["from 192.0.2.2"]);
        for number in 0..300u32 {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + number);
            gives(61, &format!("{address}:5060"));
        }
        let all = gives(61, "192.0.2.3:5060");
        assert_eq!(all.len(), 256);
        assert!(all.contains(&"from 192.0.2.3".into()));
    }
}
