//! The engine without the cast, for telephones of one's own; the police answer if they are called.

use super::{Demo, signon, words};
use crate::serve;
use meishier_config::{Config, Lang};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Tells how to get in, then waits until told to stop.
pub async fn run(demo: Demo<'_>) -> ExitCode {
    let Demo {
        lang,
        service,
        // Its police phone answers as long as the stage is there.
        stage: _stage,
        oversight: _oversight,
        mut screen,
        mut signals,
        staff,
        sip,
        ..
    } = demo;
    screen.say(&guide(lang, sip, service.http()));
    screen.say(&seats(lang, &service.config(), &staff));
    screen.say(&counsellors(lang, &service.config()));
    screen.say(&serve::ready_line(&service, lang));
    tokio::select! {
        () = signals.next() => {}
        () = service.broken() => {
            screen.say(words::broken(lang));
            service.end().await;
            return ExitCode::FAILURE;
        }
    }
    serve::end(service, &mut signals, lang).await;
    ExitCode::SUCCESS
}

fn guide(lang: Lang, sip: SocketAddr, http: SocketAddr) -> String {
    match lang {
        Lang::Zh => format!(
            "12356 演示引擎（贵州配置，民用时间从工作日 10:00 起）\n\
             \x20 来电      从 127.0.0.1 的任何端口呼叫 sip:12356@{sip}，不用注册\n\
             \x20 坐席话机  注册到 {sip}，用户名和密码见下表；注册后即可接听\n\
             \x20 签到      话机拨 *11*账号*PIN 签到，*12 恢复，*13 示忙，*14 签出；\n\
             \x20           或 POST http://{http}/api/v1/seats/坐席/state\n\
             \x20 一键转接  POST http://{http}/api/v1/calls/通话/transfer，如 {{\"key\":\"110\",\"city\":\"贵阳\"}}；演示里的公安话机会接听\n\
             \x20 指标页    http://{http}/metrics"
        ),
        Lang::En => format!(
            "12356 demo engine (the Guizhou configuration; civil time begins on a workday at 10:00)\n\
             \x20 callers   call sip:12356@{sip} from any port of 127.0.0.1, no registration\n\
             \x20 seats     register at {sip} with a user and password of this list, and calls come\n\
             \x20 sign on   dial *11*ACCOUNT*PIN; *12 ready, *13 pause, *14 sign off;\n\
             \x20           or POST http://{http}/api/v1/seats/SEAT/state\n\
             \x20 the key   POST http://{http}/api/v1/calls/CALL/transfer, as {{\"key\":\"110\",\"city\":\"贵阳\"}}; the demo's police phone answers\n\
             \x20 metrics   http://{http}/metrics"
        ),
    }
}

fn seats(lang: Lang, config: &Config, staff: &[signon::SignOn]) -> String {
    let mut text = String::from(match lang {
        Lang::Zh => "坐席：用户名  密码  名称  已签到的咨询员",
        Lang::En => "seats: user  password  title  counsellor signed on",
    });
    for person in staff {
        let seat = config.seats.iter().find(|seat| seat.name == person.seat);
        let title = seat.map_or("", |seat| &seat.title);
        let (name, password) = (&person.seat, &person.password);
        let account = &person.account;
        text.push_str(&format!("\n  {name}  {password}  {title}  {account}"));
    }
    text
}

fn counsellors(lang: Lang, config: &Config) -> String {
    let mut text = String::from(match lang {
        Lang::Zh => "咨询员：账号/PIN",
        Lang::En => "counsellors: account/PIN",
    });
    for (index, counsellor) in config.counsellors.iter().enumerate() {
        let first = index % 8 == 0;
        text.push_str(if first { "\n  " } else { "  " });
        text.push_str(&format!("{}/{}", counsellor.account, counsellor.pin));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::adapt::tests::adapted;
    use super::*;

    #[test]
    fn every_password_and_pin_is_told() {
        let (mut config, _) = adapted("2026-03-04T10:00");
        let staff = signon::staff(&mut config, false);
        let text = seats(Lang::Zh, &config, &staff);
        assert_eq!(text.lines().count(), 24);
        assert!(text.contains("gz01  example-gz01  省级 01 号") || text.contains("example-gz01"));
        let text = counsellors(Lang::En, &config);
        for counsellor in &config.counsellors {
            assert!(text.contains(&format!("{}/{}", counsellor.account, counsellor.pin)));
        }
    }
}
