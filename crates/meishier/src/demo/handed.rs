//! What the record keeps of a caller who was handed over: the time line; and what the dossier says.

use meishier_config::Lang;
use meishier_model::{CallRecord, DialString, TransferEvent, Wall};
use serde_json::Value;

/// The lines of every use of a key, seconds counted from the press.
pub fn time_line(lang: Lang, call: usize, record: &CallRecord) -> String {
    let keys = record.transfers.iter().map(|transfer| {
        let head = match lang {
            Lang::Zh => format!("── 第 {call} 通：转接键 {} 的时间线 ──", transfer.key),
            Lang::En => format!("── call {call}: time line of the key {} ──", transfer.key),
        };
        let events = transfer.events.iter();
        let lines = events.map(|event| line(lang, transfer.at, event));
        let pressed = match lang {
            Lang::Zh => format!("  +0.0 秒  按键：{}", transfer.reason),
            Lang::En => format!("  +0.0 s  pressed: {}", transfer.reason),
        };
        let all: Vec<String> = [head, pressed].into_iter().chain(lines).collect();
        all.join("\n")
    });
    keys.collect::<Vec<_>>().join("\n")
}

fn line(lang: Lang, pressed: Wall, event: &TransferEvent) -> String {
    let seconds = event.at.0.saturating_sub(pressed.0) as f64 / 1e3;
    let (what, unit) = match lang {
        Lang::Zh => (chinese(&event.what), "秒"),
        Lang::En => (event.what.as_str(), "s"),
    };
    let line = format!("  +{seconds:.1} {unit}  {what} {}", event.detail);
    line.trim_end().to_owned()
}

fn chinese(what: &str) -> &str {
    match what {
        "asking" => "等待选定地点",
        "dialling" => "拨出",
        "ringing" => "振铃",
        "briefing" => "播报情况",
        "apart" => "与咨询员单独通话",
        "joined" => "接入，三方通话",
        "confirmed" => "确认接手",
        "failed" => "未接通",
        "no_answer" => "无人接听",
        "cancelled" => "撤回",
        "target_left" => "对方挂机",
        "counsellor_left" => "咨询员离开",
        "caller_left" => "来电人挂机",
        other => other,
    }
}

/// What the dossier says that came to the overseeing body; its number is masked here.
pub fn told(lang: Lang, dossier: &Value) -> String {
    let text = |at: &str| {
        dossier
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let list = |at: &str| {
        let values = dossier.pointer(at).and_then(Value::as_array);
        let words = values.into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join("；")
    };
    let caller = DialString::new(text("/callComponent/0/callerNumber")).masked();
    let place: String = ["A1", "A2", "A3", "LOC"]
        .map(|part| text(&format!("/locationComponent/0/civicAddress/{part}")))
        .concat();
    let battery = &dossier["crisisComponent"]["phoneBatteryPercent"];
    let lines = [
        ("来电号码", "caller", caller),
        (
            "可靠程度",
            "certainty",
            text("/callComponent/0/callerNumberCertainty").to_owned(),
        ),
        ("地点", "place", place),
        (
            "来源",
            "source",
            text("/locationComponent/0/source").to_owned(),
        ),
        (
            "风险",
            "risk",
            text("/crisisComponent/riskLevel").to_owned(),
        ),
        (
            "依据",
            "because",
            text("/crisisComponent/riskReason").to_owned(),
        ),
        ("现场", "hazards", list("/crisisComponent/hazards")),
        (
            "衣着",
            "clothing",
            text("/personComponent/0/clothing").to_owned(),
        ),
        ("电量", "battery", format!("{battery}%")),
        (
            "经办",
            "by",
            text("/agentComponent/0/agentIdentifier").to_owned(),
        ),
        (
            "法律依据",
            "ground",
            text("/crisisComponent/legalGroundText").to_owned(),
        ),
    ];
    let head = match lang {
        Lang::Zh => "── 随转接告知的情况（网络推送，已脱敏显示） ──",
        Lang::En => "── the dossier: what those who come are told (as it arrived; masked here) ──",
    };
    let line = |(zh, en, value): (&str, &str, String)| match lang {
        Lang::Zh => format!("  {zh}  {value}"),
        Lang::En => format!("  {en:9} {value}"),
    };
    let there = lines.into_iter().filter(|(.., value)| !value.is_empty());
    let all: Vec<String> = std::iter::once(head.to_owned())
        .chain(there.map(line))
        .collect();
    all.join("\n")
}
