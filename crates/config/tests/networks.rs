//! Networks, names among peers and servers of names: what is read, and what is refused.

use meishier_config::{Config, Destination, parse};

const GOOD: &str = include_str!("data/small.toml");

const NETWORK: &str = "[[networks]]\nname = \"carrier\"\naddress = \"127.0.0.1\"\nadvertised = \"203.0.113.9\"\n\
                       rtp = { first_port = 30000, last_port = 30999, dscp = 0 }\n";

/// The small file with these networks, and trunk "one" in the one of this name.
fn with(networks: &str, name: &str) -> String {
    let named = format!("name = \"one\"\nnetwork = {name:?}");
    let text = GOOD.replacen("name = \"one\"", &named, 1);
    format!("{text}\n{networks}")
}

fn load(text: &str) -> Config {
    match parse(text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{errors:?}"),
    }
}

fn mistakes(text: &str) -> Vec<String> {
    let errors = parse(text, None)
        .map(|(config, _)| config.name)
        .unwrap_err();
    errors.into_iter().map(|it| it.message_en).collect()
}

#[test]
fn a_network_is_what_it_says() {
    let config = load(&with(NETWORK, "carrier"));
    let (trunk, other) = (&config.trunks[0], &config.trunks[1]);
    let network = config.network(trunk.network).unwrap();
    assert_eq!((trunk.network, other.network), (Some(0), None));
    assert_eq!(network.shown().to_string(), "203.0.113.9");
    let rtp = network.rtp(&config.rtp);
    assert_eq!((rtp.first_port, rtp.last_port, rtp.dscp), (30000, 30999, 0));
    assert_eq!(rtp.address.to_string(), "127.0.0.1");
    assert!(
        config.uses_common_rtp(),
        "a trunk and all seats are in none"
    );
    assert!(config.same_identity(&load(GOOD)).is_err());
}

#[test]
fn a_network_that_cannot_be_is_refused() {
    let refused = |from: &str, to: &str| mistakes(&with(&NETWORK.replacen(from, to, 1), "carrier"));
    assert_eq!(
        refused("\"127.0.0.1\"", "\"127.0.0.2\""),
        ["nothing listens for SIP at 127.0.0.2 of network \"carrier\""]
    );
    assert_eq!(
        refused("30999", "30100"),
        ["too few RTP ports: 30000-30100 has 51 even ones, max_calls = 100 needs 200"]
    );
    assert_eq!(
        refused("30000, last_port = 30999", "20500, last_port = 21499"),
        ["RTP ports of network \"carrier\" overlap those of [rtp]"]
    );
    let seen_there = with(NETWORK, "carrier").replacen(
        "listen = [",
        "listen = [{ on = \"udp:127.0.0.5:5060\", advertised = \"203.0.113.9\" }, ",
        1,
    );
    assert_eq!(
        mistakes(&seen_there),
        ["peers see the listener at 127.0.0.5:5060 of [sip] at the address of network \"carrier\""]
    );
    let two = format!(
        "{NETWORK}{}",
        NETWORK.replacen("\"carrier\"", "\"other\"", 1)
    );
    assert_eq!(
        mistakes(&with(&two, "carrier")),
        ["network \"other\" has the address of \"carrier\""]
    );
    assert_eq!(
        mistakes(&with(NETWORK, "carier")),
        ["there is no network named \"carier\""]
    );
    let missing = NETWORK.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_eq!(
        mistakes(&with(&missing, "carrier")),
        ["[[networks]] lacks rtp"]
    );
}

#[test]
fn names_stand_among_peers_and_behind_to() {
    let peers = "peers = [\"10.0.0.1:5060\", \"Calls.Carrier.example.\"]\nto = [\"sip.carrier.example:5080\"]";
    let config = load(&GOOD.replacen("peers = [\"10.0.0.1:5060\"]", peers, 1));
    let trunk = &config.trunks[0];
    assert_eq!(trunk.peers, ["10.0.0.1:5060".parse().unwrap()]);
    assert_eq!(trunk.peer_names, ["calls.carrier.example"]);
    let name = Destination::Name {
        host: "sip.carrier.example".into(),
        port: Some(5080),
    };
    assert_eq!(trunk.to[0].destination, name);
    let twice = "peers = [\"10.0.0.1:5060\", \"a.example\", \"A.example\"]";
    assert_eq!(
        mistakes(&GOOD.replacen("peers = [\"10.0.0.1:5060\"]", twice, 1)),
        ["peers has \"A.example\" twice"]
    );
    let wrong = "peers = [\"10.0.0.256\"]";
    let told = mistakes(&GOOD.replacen("peers = [\"10.0.0.1:5060\"]", wrong, 1));
    assert_eq!(
        told[0],
        "peers is not an IP address or a host name: \"10.0.0.256\""
    );
}

#[test]
fn servers_of_names_have_a_port_or_the_usual_one() {
    let dns = |list: &str| format!("{GOOD}\n[dns]\nservers = [{list}]\n");
    let config = load(&dns("\"192.0.2.53\", \"[2001:db8::53]:5353\""));
    let servers: Vec<String> = config.dns.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:5353"]);
    assert!(load(GOOD).dns.servers.is_empty());
    assert_eq!(mistakes(&dns("\"ns.example\"")).len(), 1);
}
