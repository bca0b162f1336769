//! The demo's sentences, Chinese and English.

use meishier_config::Lang;
use meishier_phones::cast::{Progress, Script, Side, Step};
use std::fmt::Display;
use std::net::SocketAddr;

/// No folder for the records.
pub fn no_folder(lang: Lang, error: &dyn Display) -> String {
    match lang {
        Lang::Zh => format!("无法建立临时文件夹：{error}"),
        Lang::En => format!("no temporary folder: {error}"),
    }
}

/// No sockets for the phones.
pub fn no_phones(lang: Lang, error: &dyn Display) -> String {
    match lang {
        Lang::Zh => format!("演示用的电话没有网络端口：{error}"),
        Lang::En => format!("the demo's phones have no socket: {error}"),
    }
}

/// The usual port is taken.
pub fn moved(lang: Lang, what: &str, usual: SocketAddr, bound: SocketAddr) -> String {
    match lang {
        Lang::Zh => format!("{what} 的常用端口 {usual} 已被占用，改用 {bound}"),
        Lang::En => format!("the usual {what} port {usual} is taken, using {bound}"),
    }
}

/// Where everything is, and how to try it with a telephone of one's own.
pub fn welcome(lang: Lang, sip: SocketAddr, http: SocketAddr, calls: usize) -> String {
    match lang {
        Lang::Zh => format!(
            "12356 演示：贵州配置，23 个坐席，{calls} 通来电，真实的 SIP 和 RTP\n\
             \x20 指标页    http://{http}/metrics\n\
             \x20 管理页    http://{http}/\n\
             \x20 自己拨打  软电话不用注册，直接呼叫 sip:12356@{sip}（UDP 或 TCP，编码 PCMA/PCMU）；演示坐席接听后您会听到一个单音"
        ),
        Lang::En => format!(
            "12356 demo: the Guizhou configuration, 23 seats, {calls} calls, real SIP and RTP\n\
             \x20 metrics   http://{http}/metrics\n\
             \x20 console   http://{http}/\n\
             \x20 dial in   with any softphone, no registration: sip:12356@{sip} (UDP or TCP, PCMA/PCMU); a seat of the demo answers with a tone"
        ),
    }
}

/// The day's part begins.
pub fn day(lang: Lang, seats: usize) -> String {
    match lang {
        Lang::Zh => format!("── 白班：{seats} 个坐席开放 ──"),
        Lang::En => format!("── day: {seats} seats are open ──"),
    }
}

/// The night's part begins.
pub fn night(lang: Lang, seats: usize, gone: usize) -> String {
    match lang {
        Lang::Zh => format!("── 23:00 夜班：{seats} 个坐席开放，{gone} 个坐席签出 ──"),
        Lang::En => format!("── 23:00, night: {seats} seats are open, {gone} signed off ──"),
    }
}

/// Fewer seats play because other programs have the RTP ports.
pub fn few_ports(lang: Lang, ports: usize, seats: usize) -> String {
    match lang {
        Lang::Zh => format!("其他程序占用了端口，RTP 端口只有 {ports} 个，只用 {seats} 个坐席"),
        Lang::En => {
            format!("other programs have the ports; with {ports} RTP ports only {seats} seats play")
        }
    }
}

/// Everybody has signed on.
pub fn staffed(lang: Lang, by_api: usize, by_star: usize) -> String {
    match lang {
        Lang::Zh => {
            format!("咨询员已签到（其中 {by_api} 名用接口签到，{by_star} 名在话机上拨星号码签到）")
        }
        Lang::En => format!(
            "the counsellors have signed on ({by_api} by the API, {by_star} by star code on the telephone)"
        ),
    }
}

/// The user ended the demo.
pub fn interrupted(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "演示被中断",
        Lang::En => "the demo was interrupted",
    }
}

/// The engine broke.
pub fn broken(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "引擎的一个线程意外结束",
        Lang::En => "a thread of the engine has ended by itself",
    }
}

fn script(lang: Lang, script: Script) -> &'static str {
    match (lang, script) {
        (Lang::En, script) => script.name(),
        (Lang::Zh, Script::Talk { ends: Side::Caller }) => "通话，来电人挂机",
        (Lang::Zh, Script::Talk { ends: Side::Seat }) => "通话，咨询员挂机",
        (Lang::Zh, Script::SeatRefuses { .. }) => "先被拒接，后通话",
        (Lang::Zh, Script::SeatIgnores) => "先无人接，后通话",
        (Lang::Zh, Script::GiveUpRinging) => "振铃时来电人放弃",
        (Lang::Zh, Script::GiveUpWaiting) => "等候时来电人放弃",
        (Lang::Zh, Script::Danger) => "危机：一键报警，三方通话，交由公安",
    }
}

/// One step of a call, after the clock's time.
pub fn step(lang: Lang, time: &str, progress: &Progress) -> String {
    let Progress { call, caller, .. } = progress;
    let what = match lang {
        Lang::Zh => step_zh(progress),
        Lang::En => step_en(progress),
    };
    format!("{time}  #{call:<4}{caller}  {what}")
}

fn step_zh(progress: &Progress) -> String {
    match &progress.step {
        Step::Waiting { dialled } => format!("拨打 {dialled}，进入队列"),
        Step::Ringing { seat } => format!("坐席 {seat} 振铃"),
        Step::Refused { seat, status } => format!("坐席 {seat} 拒接（{status}），转下一个"),
        Step::Talking {
            seat,
            answer_time_ms,
        } => {
            format!(
                "坐席 {seat} 接听，来电 {:.1} 秒后",
                *answer_time_ms as f64 / 1e3
            )
        }
        Step::KeyPressed { key, city } => {
            format!("危机！咨询员按下一键报警 {key}，事发地 {city}")
        }
        Step::PoliceRing { dialled } => format!("公安话机振铃（{dialled}）"),
        Step::PoliceAnswered { dialled } => format!("公安接听（拨出 {dialled}）"),
        Step::ThreeTalk => "三方通话，彼此都听得到".into(),
        Step::Confirmed => "公安确认接手".into(),
        Step::CounsellorLeft => "咨询员离开，来电人与公安继续通话".into(),
        Step::Ended(result) => match &result.why_not {
            None => format!("结束 ✓ {}", script(Lang::Zh, result.script)),
            Some(why) => format!("结束 ✗ {}：{}", script(Lang::Zh, result.script), why.zh()),
        },
    }
}

fn step_en(progress: &Progress) -> String {
    match &progress.step {
        Step::Waiting { dialled } => format!("dials {dialled}, is queued"),
        Step::Ringing { seat } => format!("seat {seat} rings"),
        Step::Refused { seat, status } => format!("seat {seat} refuses ({status}), next one"),
        Step::Talking {
            seat,
            answer_time_ms,
        } => {
            format!(
                "seat {seat} answers, {:.1} s after the call came",
                *answer_time_ms as f64 / 1e3
            )
        }
        Step::KeyPressed { key, city } => {
            format!("danger! the counsellor presses the key {key} for {city}")
        }
        Step::PoliceRing { dialled } => format!("the police's telephone rings ({dialled})"),
        Step::PoliceAnswered { dialled } => format!("the police answer ({dialled} was dialled)"),
        Step::ThreeTalk => "three talk, each hears both others".into(),
        Step::Confirmed => "the police have taken over".into(),
        Step::CounsellorLeft => "the counsellor leaves, caller and police talk on".into(),
        Step::Ended(result) => match &result.why_not {
            None => format!("ended ✓ {}", script(Lang::En, result.script)),
            Some(why) => format!("ended ✗ {}: {why}", script(Lang::En, result.script)),
        },
    }
}
