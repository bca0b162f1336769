//! Every shipped file loads, without a doubt, and says what it is meant to say.

use meishier_config::{Config, Lang, parse, render};
use meishier_routing::Date;

fn load(file: &str) -> Config {
    let path = format!("{}/../../deploy/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let today = parse(&text, None)
        .map(|(config, _)| config.routing.wall_on(Date::new(2026, 6, 1).unwrap(), 600));
    let today = today.unwrap_or_else(|errors| panic!("{}", render(&errors, file, &text, Lang::En)));
    let (config, warnings) = parse(&text, today).unwrap();
    assert!(
        warnings.is_empty(),
        "{}",
        render(&warnings, file, &text, Lang::En)
    );
    config
}

#[test]
fn bench_loads() {
    let config = load("bench.toml");
    assert_eq!(config.seats.len(), 1000);
}
