//! `meishier serve`: the engine for real, until it is told to stop.

use crate::service::{Service, Setup};
use crate::shutdown::{Asked, Hangup, Signals};
use crate::tables::{self, Origin};
use crate::{check, cli, limits};
use meishier_config::Lang;
use meishier_net::{Clock, Seeds};
use meishier_telemetry::logs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Runs the engine; the exit status says whether it ended in order.
pub fn run(args: &cli::Serve) -> ExitCode {
    // Before anything is read that is a secret.
    let dumps = limits::forbid_core_dumps();
    let asked = args.lang.map(Lang::from);
    let Some(checked) = check::load(&args.config, asked) else {
        return ExitCode::FAILURE;
    };
    let check::Checked {
        config,
        prompts,
        files,
    } = checked;
    let lang = asked.unwrap_or(config.lang);
    let _log = match logs::init(args.log.into(), args.log_level) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = dumps {
        tracing::warn!(%error, "a core dump of this process may hold keys and speech");
    }
    if let Err(limit) = limits::raise_open_files(&config) {
        tracing::warn!(
            limit,
            "open files are limited; fewer RTP ports than configured"
        );
    }
    // One thread: HTTP and records are off the call path, and every thread costs memory.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let setup = Setup {
        config,
        origin: Origin {
            path: Some(args.config.clone()),
            files,
        },
        prompts,
        clock: Clock::system(),
        seeds: Seeds::System,
        any_free_port: false,
    };
    runtime.block_on(serve(setup, &args.config, lang))
}

async fn serve(setup: Setup, file: &Path, lang: Lang) -> ExitCode {
    let mut signals = match Signals::new(Hangup::Rereads) {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let service = match Service::start(setup).await {
        Ok(service) => service,
        Err(error) => {
            eprintln!("{}", error.message(lang));
            return ExitCode::FAILURE;
        }
    };
    say(&ready_line(&service, lang));
    loop {
        let asked = tokio::select! {
            asked = signals.asked() => Some(asked),
            () = service.broken() => None,
        };
        match asked {
            Some(Asked::End) => break,
            Some(Asked::Reread) => {
                let result = service.tables().reload().await;
                say(&tables::line(&result, file, lang));
            }
            None => {
                tracing::error!(
                    "a thread of the engine has ended; the process ends so that it can be started anew"
                );
                service.end().await;
                return ExitCode::FAILURE;
            }
        }
    }
    end(service, &mut signals, lang).await;
    ExitCode::SUCCESS
}

/// Ends a service by signals: calls may finish up to the limit, a second signal ends at once.
pub async fn end(service: Service, signals: &mut Signals, lang: Lang) {
    let limit = service.config().shutdown_limit;
    say(&match lang {
        Lang::Zh => format!(
            "正在停止：不再接听新来电，等待通话结束（最多 {} 秒）；再次发送信号则立即结束",
            limit.as_secs()
        ),
        Lang::En => format!(
            "stopping: no new calls, running ones may finish ({} s at most); a second signal ends at once",
            limit.as_secs()
        ),
    });
    tokio::select! {
        _ = service.drain(limit) => {}
        () = signals.next() => {}
    }
    service.end().await;
    say(match lang {
        Lang::Zh => "已停止",
        Lang::En => "stopped",
    });
}

/// One line with everything that somebody needs to reach the engine.
pub fn ready_line(service: &Service, lang: Lang) -> String {
    let sip: Vec<String> = service
        .sip()
        .iter()
        .map(|(transport, address)| format!("{}:{address}", transport.as_str().to_lowercase()))
        .collect();
    let (http, ports) = (service.http(), service.rtp_ports());
    match lang {
        Lang::Zh => format!(
            "没事儿已就绪：SIP {}，HTTP http://{http}/，RTP 端口 {ports} 个",
            sip.join("、")
        ),
        Lang::En => format!(
            "meishier is ready: SIP {}, HTTP http://{http}/, {ports} RTP ports",
            sip.join(", ")
        ),
    }
}

/// A line on standard output; nobody may be reading it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
