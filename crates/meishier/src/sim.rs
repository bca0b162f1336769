//! `meishier sim`: one run of the simulator, told to people or to programs.

use crate::cli;
use meishier_config::Lang;
use meishier_sim::scenario::NAMES;
use meishier_sim::{RunOptions, RunReport, Scenario};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// 0: no promise was broken. 1: one was, or the scenario could not be played.
pub fn run(args: &cli::Sim) -> ExitCode {
    let lang = Lang::from(args.lang);
    match play(args, lang) {
        Ok((report, took)) => {
            if args.json {
                println!("{}", json(&report, took));
            }
            match report.failure {
                None => ExitCode::SUCCESS,
                Some(_) => ExitCode::FAILURE,
            }
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// A file, or else the name of a shipped scenario.
fn scenario(name: &str, lang: Lang) -> Result<Scenario, String> {
    if !Path::new(name).exists() {
        return Scenario::named(name).ok_or_else(|| {
            let names = NAMES.join(", ");
            match lang {
                Lang::Zh => format!("没有这个文件，也没有这个场景：{name}（自带：{names}）"),
                Lang::En => format!("neither a file nor a scenario: {name} (shipped: {names})"),
            }
        });
    }
    let text = std::fs::read_to_string(name).map_err(|error| match lang {
        Lang::Zh => format!("无法读取场景文件 {name}：{error}"),
        Lang::En => format!("scenario file {name} cannot be read: {error}"),
    })?;
    Scenario::parse(&text).map_err(|errors| {
        let lines = errors.iter().map(|error| match lang {
            Lang::Zh => format!("{name}：{error}"),
            Lang::En => format!("{name}: line {}: {}", error.line, error.en),
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn play(args: &cli::Sim, lang: Lang) -> Result<(RunReport, Duration), String> {
    let scenario = scenario(&args.scenario, lang)?;
    let log: Option<Box<dyn Write>> = match &args.log {
        None => None,
        Some(path) => {
            let file = File::create(path).map_err(|error| match lang {
                Lang::Zh => format!("无法写日志文件 {}：{error}", path.display()),
                Lang::En => format!("log file {} cannot be written: {error}", path.display()),
            })?;
            Some(Box::new(BufWriter::new(file)))
        }
    };
    let options = RunOptions {
        seed: args.seed,
        days: args.days,
        faults: args.faults.into(),
        restore_at: args.restore_at,
        queue: args.queue.into(),
    };
    let begun = Instant::now();
    let report = meishier_sim::run(&scenario, &options, log).map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    println!("{}", text(&report, took, lang));
    if let Some(failure) = &report.failure {
        println!("{failure}");
        let again = report.replay_of(&args.scenario);
        println!(
            "{}",
            match lang {
                Lang::Zh => format!("种子 {}，重现：{again}", args.seed),
                Lang::En => format!("seed {}, replay: {again}", args.seed),
            }
        );
    }
    if let Some(why) = &report.log_failure {
        return Err(match lang {
            Lang::Zh => format!("日志没有写全：{why}"),
            Lang::En => format!("the log is not whole: {why}"),
        });
    }
    if args.restore_at.is_some_and(|step| step > report.steps) {
        let steps = report.steps;
        return Err(match lang {
            Lang::Zh => format!("只走了 {steps} 步，没有到要恢复的那一步"),
            Lang::En => format!("there were {steps} steps; the one to restore at never came"),
        });
    }
    Ok((report, took))
}

/// Province-years that a machine running only this on one core simulates in a day.
fn years_a_day(report: &RunReport, took: Duration) -> f64 {
    report.province_years() / took.as_secs_f64().max(1e-9) * 86_400.0
}

fn text(report: &RunReport, took: Duration, lang: Lang) -> String {
    let (tally, options) = (&report.tally, &report.options);
    let (soon, risk) = (
        report.answered_15s() * 100.0,
        report.risk_answered_15s() * 100.0,
    );
    let years = years_a_day(report, took);
    let broken = u8::from(report.failure.is_some());
    match lang {
        Lang::Zh => format!(
            "场景 {}，种子 {}，{} 天，故障 {}\n来电 {} 次，15 秒内有人接 {soon:.1}%，其中高风险 {risk:.1}%，放弃 {} 次\n引擎走了 {} 步，用时 {:.1} 秒，每天可模拟 {years:.0} 个省年\n日志 {}\n违反规则 {broken} 处",
            report.scenario,
            options.seed,
            options.days,
            options.faults.as_str(),
            report.served.attempts,
            tally.abandoned,
            report.steps,
            took.as_secs_f64(),
            report.log_sha256,
        ),
        Lang::En => format!(
            "scenario {}, seed {}, {} days, faults {}\n{} calls, {soon:.1}% answered in 15 s, of those at risk {risk:.1}%, {} abandoned\n{} steps of the engine in {:.1} s, {years:.0} province-years a day\nlog {}\n{broken} promises broken",
            report.scenario,
            options.seed,
            options.days,
            options.faults.as_str(),
            report.served.attempts,
            tally.abandoned,
            report.steps,
            took.as_secs_f64(),
            report.log_sha256,
        ),
    }
}

fn json(report: &RunReport, took: Duration) -> String {
    let (tally, options) = (&report.tally, &report.options);
    // Written by hand, so that the fields stand in the order that readers were promised.
    format!(
        "{{\"seed\":{},\"days\":{},\"calls\":{},\"answered_15s\":{:.4},\"risk_answered_15s\":{:.4},\"abandoned\":{},\"violations\":{},\"province_years_per_day\":{:.1},\"log_sha256\":\"{}\"}}",
        options.seed,
        options.days,
        report.served.attempts,
        report.answered_15s(),
        report.risk_answered_15s(),
        tally.abandoned,
        u8::from(report.failure.is_some()),
        years_a_day(report, took),
        report.log_sha256,
    )
}
