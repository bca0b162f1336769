//! Kamailio as a carrier's edge in front of the trunk: record-routing, hiding the topology, by UDP,
//! TCP and mutual TLS, asking and being asked whether the other is there.

use crate::{papers, stage};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::kamailio::Edge;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;

/// A plan whose trunk is this edge, and where the engine will listen for it.
fn plan(edge: &Edge, transport: &str, folder: &Path) -> (Plan, SocketAddr) {
    let mut plan = Plan::default();
    plan.trunk = format!(
        "out = \"{}\"\ntransport = \"{transport}\"\noptions_every = \"1s\"\n",
        edge.near()
    );
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = |kind: &str| match kind == transport {
        true => format!("{kind}:{address}"),
        false => format!("{kind}:127.0.0.1:0"),
    };
    plan.listen = vec![listen("udp"), listen("tcp")];
    plan.add_tables(stage::KEYS);
    if transport == "tls" {
        plan.listen.push(listen("tls"));
        papers::write(folder, &["engine", "edge"]);
        let at = folder.display();
        plan.add_tables(&format!(
            "[sip.tls]\ncertificate = \"{at}/engine.pem\"\nkey = \"{at}/engine.key\"\n\
             client_ca = \"{at}/authority.pem\"\ntrusted_ca = \"{at}/authority.pem\"\n"
        ));
    }
    (plan, address)
}

/// An engine behind an edge, and the seats.
struct Scene {
    engine: Engine,
    edge: Peer,
    at: Edge,
    seats: Vec<Peer>,
    _folder: TempDir,
}

impl Scene {
    fn new(transport: &'static str, hides: bool, seats: &[&str], far_end: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let far_end = SocketAddr::from(([127, 0, 0, 1], far_end));
        let mut at = Edge::new(folder.path(), transport, far_end);
        if hides {
            at = at.hiding();
        }
        let (plan, address) = plan(&at, transport, folder.path());
        let (engine, seats) = stage::engine(plan, seats, Udp);
        let edge = at.start(address);
        let scene = Self {
            engine,
            edge,
            at,
            seats,
            _folder: folder,
        };
        scene.edge.await_words(&format!("ASKED by {transport}"));
        scene
    }

    fn caller(&self, scenario: &str) -> Peer {
        Sipp::new(&self.engine, scenario, Udp)
            .towards(self.at.world())
            .start(&self.engine)
    }

    /// Plays to the end; the record, and what the edge wrote. It saw nothing wrong.
    fn finish(self) -> (Value, String) {
        let record = stage::finish(&self.engine, self.seats, 1).remove(0);
        let output = self.edge.whole_output();
        for wrong in ["UNSOUND", "ASTRAY", "ERROR:", "CRITICAL:"] {
            let line = output.lines().find(|line| line.contains(wrong));
            assert_eq!(line, None, "the edge found something wrong");
        }
        self.edge.end();
        (record, output)
    }
}

/// One call that the caller ends, one that the seat ends.
fn calls_go_through(transport: &'static str, hides: bool) {
    for (seat, caller, by) in [
        ("seat", "caller", "caller"),
        ("seat_hangs_up", "caller_waits", "seat"),
    ] {
        let scene = Scene::new(transport, hides, &[seat], free_port());
        scene.caller(caller).succeeds(&scene.engine);
        let (record, output) = scene.finish();
        assert_eq!(record["outcome"], "answered");
        assert_eq!(record["released_by"], by);
        assert!(output.contains(&format!("ANSWERED 200 INVITE by {transport}")));
        // Its own side's BYE came by UDP, ours by the trunk's transport, each along the routes.
        let way = if by == "caller" { "udp" } else { transport };
        assert!(output.contains(&format!("ROUTED BYE by {way}")), "{output}");
    }
}

#[test]
fn calls_go_through_an_edge_by_udp() {
    calls_go_through("udp", false);
}

#[test]
fn calls_go_through_an_edge_by_tcp() {
    calls_go_through("tcp", false);
}

#[test]
fn calls_go_through_an_edge_by_mutual_tls() {
    calls_go_through("tls", false);
}

#[test]
fn calls_go_through_an_edge_that_hides_the_topology() {
    calls_go_through("udp", true);
    calls_go_through("tls", true);
}

/// The key dials a third party through the edge; all three talk, the counsellor leaves, the caller hangs up.
fn a_key_dials_out(transport: &'static str, hides: bool) {
    let port = free_port();
    let scene = Scene::new(transport, hides, &["seat"], port);
    let target = Sipp::new(&scene.engine, "seat", Udp).at(port);
    let target = target.listen(&scene.engine);
    let caller = scene.caller("caller_stays");
    let engine = &scene.engine;
    stage::press(engine, "110", "贵阳");
    stage::hand_over(engine);
    caller.hangs_up(engine);
    target.succeeds(engine);
    let (record, output) = scene.finish();
    assert!(
        output.contains(&format!("OUTWARD 0851110 by {transport}")),
        "{output}"
    );
    assert!(
        output.contains(&format!("ROUTED BYE by {transport}")),
        "{output}"
    );
    assert!(record.to_string().contains("0851110"), "{record}");
}

#[test]
fn a_key_dials_out_through_an_edge() {
    a_key_dials_out("udp", false);
    a_key_dials_out("tcp", false);
    a_key_dials_out("tls", true);
}

#[test]
fn a_trunk_is_down_while_its_edge_is_gone() {
    for transport in ["udp", "tcp"] {
        let scene = Scene::new(transport, false, &[], free_port());
        let up = |value| {
            scene
                .engine
                .await_gauge("meishier_trunk_up", &[("trunk", "trunk")], value);
        };
        up(1.0);
        scene.edge.end();
        up(0.0);
        let engine = match transport {
            "udp" => scene.engine.udp(),
            _ => scene.engine.tcp(),
        };
        let edge = scene.at.start(engine);
        up(1.0);
        edge.end();
    }
}

#[test]
fn an_edge_sends_nobody_to_an_engine_that_ends_and_the_call_that_runs_goes_on() {
    let mut scene = Scene::new("tcp", false, &["seat"], free_port());
    let caller = scene.caller("caller_stays");
    scene
        .engine
        .await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    scene.engine.terminate();
    scene.edge.await_words("TRUNK DOWN");
    caller.hangs_up(&scene.engine);
    for seat in scene.seats.drain(..) {
        seat.succeeds(&scene.engine);
    }
    assert!(scene.engine.await_exit().success());
    let output = scene.edge.whole_output();
    assert!(output.contains("ROUTED BYE by udp"), "{output}");
    // Another engine at the same place: it is found again.
    let (plan, _) = plan(&scene.at, "tcp", scene.engine.folder());
    let mut plan = plan;
    plan.add_phone("nobody", "paused");
    plan.listen[1] = format!("tcp:{}", scene.engine.tcp());
    let next = Engine::start_in(&plan, scene.engine.folder());
    scene.edge.await_words("TRUNK UP");
    drop(next);
    scene.edge.end();
}

#[test]
fn whatever_a_caller_does_goes_through_an_edge() {
    for (transport, scenario) in [
        ("tls", "caller_pracks"),
        ("udp", "caller_wrong_prack"),
        ("tls", "caller_late"),
        ("tcp", "caller_holds"),
        ("udp", "caller_unfit"),
        ("tls", "caller_timed"),
        ("tcp", "caller_out_of_order"),
        ("udp", "caller_located"),
        ("tls", "caller_sos"),
        ("udp", "caller_many_streams"),
    ] {
        // It rings for a second, so that PRACK is over before the answer.
        let scene = Scene::new(transport, true, &["seat_slow"], free_port());
        scene.caller(scenario).succeeds(&scene.engine);
        let (record, _) = scene.finish();
        assert_eq!(record["outcome"], "answered", "{scenario} by {transport}");
        assert_eq!(record["released_by"], "caller", "{scenario} by {transport}");
    }
}

#[test]
fn a_caller_gives_up_through_an_edge() {
    for (transport, seats) in [("tls", &[][..]), ("udp", &["seat_rings"][..])] {
        let scene = Scene::new(transport, true, seats, free_port());
        scene.caller("caller_cancels").succeeds(&scene.engine);
        let (record, _) = scene.finish();
        assert_eq!(record["outcome"], "abandoned");
        assert_eq!(record["status"], 487);
    }
}

/// Registers, is called, calls, registers again and again, and leaves.
fn a_carrier_wants_registration(transport: &'static str, hash: &'static str) {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let far_end = SocketAddr::from(([127, 0, 0, 1], port));
    let at = Edge::new(folder.path(), transport, far_end).registering(hash);
    let (mut plan, address) = plan(&at, transport, folder.path());
    plan.trunk.push_str(&format!(
        "[trunks.register]\nuser = \"+8685112356\"\nauth_user = \"12356\"\n\
         password = \"geheim-t\"\ndomain = \"carrier.invalid\"\nregistrar = \"{}\"\n",
        at.near()
    ));
    // The edge is there first: who finds nobody tries again only after half a minute.
    let edge = at.start(address);
    let (engine, seats) = stage::engine(plan, &["seat"], Udp);
    edge.await_words("REGISTERED 12356");
    engine.await_gauge("meishier_trunk_registered", &[("trunk", "trunk")], 1.0);
    let mut scene = Scene {
        engine,
        edge,
        at,
        seats,
        _folder: folder,
    };
    let target = Sipp::new(&scene.engine, "seat", Udp).at(port);
    let target = target.listen(&scene.engine);
    let caller = scene.caller("caller_stays");
    stage::press(&scene.engine, "110", "贵阳");
    stage::hand_over(&scene.engine);
    caller.hangs_up(&scene.engine);
    target.succeeds(&scene.engine);
    for seat in scene.seats.drain(..) {
        seat.succeeds(&scene.engine);
    }
    let _ = scene.engine.await_records(1);
    // Granted 4 s: renewed, with nonces that have run out on the way.
    scene.edge.await_count("REGISTERED 12356", 3);
    scene.edge.await_count("CHALLENGED REGISTER", 2);
    scene.engine.terminate();
    scene.edge.await_words("REGISTERED 12356 for 0");
    assert!(scene.engine.await_exit().success());
    let output = scene.edge.whole_output();
    assert!(output.contains("CHALLENGED INVITE"), "{output}");
    assert!(output.contains("OUTWARD 0851110"), "{output}");
    scene.edge.end();
}

#[test]
fn a_carrier_that_wants_registration_gets_it() {
    a_carrier_wants_registration("udp", "MD5");
    a_carrier_wants_registration("tls", "SHA-256");
}
