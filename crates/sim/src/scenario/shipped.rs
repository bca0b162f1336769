//! The files that come with the program.

/// Names of the shipped scenarios.
pub const NAMES: [&str; 11] = [
    "guizhou",
    "beijing",
    "shanghai",
    "guangzhou",
    "zhuzhou",
    "referral",
    "nation",
    "surge2",
    "surge3",
    "overload",
    "tiny",
];

/// The text of a shipped scenario.
pub(super) fn scenario(name: &str) -> Option<&'static str> {
    Some(match name {
        "guizhou" => include_str!("../../scenarios/guizhou.toml"),
        "beijing" => include_str!("../../scenarios/beijing.toml"),
        "shanghai" => include_str!("../../scenarios/shanghai.toml"),
        "guangzhou" => include_str!("../../scenarios/guangzhou.toml"),
        "zhuzhou" => include_str!("../../scenarios/zhuzhou.toml"),
        "referral" => include_str!("../../scenarios/referral.toml"),
        "nation" => include_str!("../../scenarios/nation.toml"),
        "surge2" => include_str!("../../scenarios/surge2.toml"),
        "surge3" => include_str!("../../scenarios/surge3.toml"),
        "overload" => include_str!("../../scenarios/overload.toml"),
        "tiny" => include_str!("../../scenarios/tiny.toml"),
        _ => return None,
    })
}

/// The paths that a scenario can name as its configuration.
pub(super) const CONFIGS: [&str; 7] = [
    "deploy/guizhou.toml",
    "deploy/beijing.toml",
    "deploy/shanghai.toml",
    "deploy/guangzhou.toml",
    "deploy/zhuzhou.toml",
    "deploy/referral.toml",
    "deploy/nation/main.toml",
];

/// The files of the nation, in the order in which its main file includes them.
const NATION: [&str; 33] = [
    include_str!("../../../../deploy/nation/main.toml"),
    include_str!("../../../../deploy/nation/provinces/11-beijing.toml"),
    include_str!("../../../../deploy/nation/provinces/12-tianjin.toml"),
    include_str!("../../../../deploy/nation/provinces/13-hebei.toml"),
    include_str!("../../../../deploy/nation/provinces/14-shanxi.toml"),
    include_str!("../../../../deploy/nation/provinces/15-neimenggu.toml"),
    include_str!("../../../../deploy/nation/provinces/21-liaoning.toml"),
    include_str!("../../../../deploy/nation/provinces/22-jilin.toml"),
    include_str!("../../../../deploy/nation/provinces/23-heilongjiang.toml"),
    include_str!("../../../../deploy/nation/provinces/31-shanghai.toml"),
    include_str!("../../../../deploy/nation/provinces/32-jiangsu.toml"),
    include_str!("../../../../deploy/nation/provinces/33-zhejiang.toml"),
    include_str!("../../../../deploy/nation/provinces/34-anhui.toml"),
    include_str!("../../../../deploy/nation/provinces/35-fujian.toml"),
    include_str!("../../../../deploy/nation/provinces/36-jiangxi.toml"),
    include_str!("../../../../deploy/nation/provinces/37-shandong.toml"),
    include_str!("../../../../deploy/nation/provinces/41-henan.toml"),
    include_str!("../../../../deploy/nation/provinces/42-hubei.toml"),
    include_str!("../../../../deploy/nation/provinces/43-hunan.toml"),
    include_str!("../../../../deploy/nation/provinces/44-guangdong.toml"),
    include_str!("../../../../deploy/nation/provinces/45-guangxi.toml"),
    include_str!("../../../../deploy/nation/provinces/46-hainan.toml"),
    include_str!("../../../../deploy/nation/provinces/50-chongqing.toml"),
    include_str!("../../../../deploy/nation/provinces/51-sichuan.toml"),
    include_str!("../../../../deploy/nation/provinces/52-guizhou.toml"),
    include_str!("../../../../deploy/nation/provinces/53-yunnan.toml"),
    include_str!("../../../../deploy/nation/provinces/54-xizang.toml"),
    include_str!("../../../../deploy/nation/provinces/61-shaanxi.toml"),
    include_str!("../../../../deploy/nation/provinces/62-gansu.toml"),
    include_str!("../../../../deploy/nation/provinces/63-qinghai.toml"),
    include_str!("../../../../deploy/nation/provinces/64-ningxia.toml"),
    include_str!("../../../../deploy/nation/provinces/65-xinjiang.toml"),
    include_str!("../../../../deploy/nation/default.toml"),
];

/// The text of a shipped configuration; one of many files as one.
pub(super) fn config(path: &str) -> Option<String> {
    let text = match path {
        "deploy/guizhou.toml" => include_str!("../../../../deploy/guizhou.toml"),
        "deploy/beijing.toml" => include_str!("../../../../deploy/beijing.toml"),
        "deploy/shanghai.toml" => include_str!("../../../../deploy/shanghai.toml"),
        "deploy/guangzhou.toml" => include_str!("../../../../deploy/guangzhou.toml"),
        "deploy/zhuzhou.toml" => include_str!("../../../../deploy/zhuzhou.toml"),
        "deploy/referral.toml" => include_str!("../../../../deploy/referral.toml"),
        "deploy/nation/main.toml" => return Some(nation()),
        _ => return None,
    };
    Some(text.to_owned())
}

/// Every included file holds lists of tables alone, so they can follow each other.
fn nation() -> String {
    let lines = NATION.iter().flat_map(|file| file.lines());
    let kept = lines.filter(|line| !line.starts_with("include ="));
    kept.flat_map(|line| [line, "\n"]).collect()
}
