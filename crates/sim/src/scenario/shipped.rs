//! The files that come with the program.

/// Names of the shipped scenarios.
pub const NAMES: [&str; 6] = ["guizhou", "beijing", "surge2", "surge3", "overload", "tiny"];

/// The text of a shipped scenario.
pub(super) fn scenario(name: &str) -> Option<&'static str> {
    Some(match name {
        "guizhou" => include_str!("../../scenarios/guizhou.toml"),
        "beijing" => include_str!("../../scenarios/beijing.toml"),
        "surge2" => include_str!("../../scenarios/surge2.toml"),
        "surge3" => include_str!("../../scenarios/surge3.toml"),
        "overload" => include_str!("../../scenarios/overload.toml"),
        "tiny" => include_str!("../../scenarios/tiny.toml"),
        _ => return None,
    })
}

/// The paths that a scenario can name as its configuration.
pub(super) const CONFIGS: [&str; 2] = ["deploy/guizhou.toml", "deploy/beijing.toml"];

/// The text of a shipped configuration.
pub(super) fn config(path: &str) -> Option<&'static str> {
    Some(match path {
        "deploy/guizhou.toml" => include_str!("../../../../deploy/guizhou.toml"),
        "deploy/beijing.toml" => include_str!("../../../../deploy/beijing.toml"),
        _ => return None,
    })
}
