//! SIPp as the registrar of a carrier, and as a third party that wants passwords.

use crate::stage::{finish, hand_over, press};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::free_port;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::plan::Plan;
use std::net::SocketAddr;

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A plan whose trunk calls out to this port, by a key.
fn plan(police: u16) -> Plan {
    let mut plan = Plan::default();
    plan.trunk = format!("out = \"127.0.0.1:{police}\"");
    plan.add_tables(
        "[[transfer.keys]]\nname = \"110\"\ntitle = \"police\"\nkind = \"emergency\"\ntrunk = \"trunk\"\n",
    );
    plan
}

/// From now on the trunk is to be registered at this port: the file changes and is read again.
fn register(engine: &Engine, registrar: u16) {
    let file = engine.folder().join("engine.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = format!(
        "[[trunks]]\nregister = {{ user = \"12356\", auth_user = \"line7@ims.example\", \
         password = \"hush hush\", domain = \"ims.example\", registrar = \"127.0.0.1:{registrar}\", \
         expires = \"10min\" }}\n"
    );
    std::fs::write(&file, text.replacen("[[trunks]]\n", &line, 1)).unwrap();
    let answer = engine.post("/api/v1/reload", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What the trunk's registration is said to be.
fn registration(engine: &Engine) -> (bool, String, u64) {
    let it = engine.get("/api/v1/trunks").json()["trunks"][0]["registration"].clone();
    (
        it["registered"].as_bool().unwrap(),
        it["state"].as_str().unwrap().to_owned(),
        it["status"].as_u64().unwrap(),
    )
}

#[test]
fn a_registrar_that_changes_nonce_and_realm_keeps_us_and_calls_go_out_with_passwords() {
    let (registrar, police, seat) = (free_port(), free_port(), free_port());
    let mut plan = plan(police);
    plan.add_seats(1, at(seat), "udp", "ready");
    let mut engine = Engine::start(&plan);
    let carrier = Sipp::new(&engine, "carrier_registers_us", Udp);
    let carrier = carrier.at(registrar).listen(&engine);
    let seats = vec![Sipp::new(&engine, "seat", Udp).at(seat).listen(&engine)];
    let target = Sipp::new(&engine, "police_asks_passwords", Udp);
    let target = target.at(police).listen(&engine);
    register(&engine, registrar);
    let sent = [("direction", "sent"), ("method", "REGISTER")];
    // Seven rounds until the long interval holds.
    engine.await_metrics("seven REGISTERs", |page| {
        page.sum("meishier_sip_requests_total", &sent) >= 7.0
    });
    engine.await_metrics("registered", |_| registration(&engine).1 == "registered");
    assert_eq!(registration(&engine), (true, "registered".to_owned(), 200));
    let caller = Sipp::new(&engine, "caller_stays", Udp).start(&engine);
    press(&engine, "110", "贵阳");
    hand_over(&engine);
    caller.hangs_up(&engine);
    target.succeeds(&engine);
    let records = finish(&engine, seats, 1);
    assert_eq!(records[0]["transfers"][0]["outcome"], "joined");
    engine.terminate();
    carrier.succeeds(&engine);
    assert!(engine.await_exit().success());
}

#[test]
fn a_registrar_that_refuses_is_not_hammered_and_nothing_goes_out() {
    let (registrar, police) = (free_port(), free_port());
    let mut plan = plan(police);
    plan.add_phone("nobody", "paused");
    let engine = Engine::start(&plan);
    let carrier = Sipp::new(&engine, "carrier_refuses_us", Udp);
    let carrier = carrier.at(registrar).listen(&engine);
    register(&engine, registrar);
    engine.await_gauge("meishier_trunk_registered", &[("trunk", "trunk")], 0.0);
    assert_eq!(registration(&engine), (false, "refused".to_owned(), 403));
    carrier.succeeds(&engine);
    assert_eq!(registration(&engine), (false, "refused".to_owned(), 403));
}
