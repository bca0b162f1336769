//! The command line. Help is in Chinese with the English beside it, since clap builds it before
//! anybody could ask for a language.

use clap::{Args, Parser, Subcommand, ValueEnum};
use meishier_telemetry::{Level, LogFormat};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `meishier …`
#[derive(Debug, Parser)]
#[command(
    name = "meishier",
    version,
    about = "没事儿：12356 心理援助热线的呼叫引擎 (call engine of the 12356 hotline)"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// 运行热线引擎，直到收到 SIGTERM 或 Ctrl-C (run the engine)
    Serve(Serve),
    /// 检查配置：无误退出码为 0，有错为 1 (check a configuration)
    Check(Check),
    /// 在本机演示：真实的 SIP 与 RTP，无需电话 (demonstrate on this machine)
    Demo(Demo),
    /// 在虚拟时钟上模拟：同一个引擎，来电、坐席、网络和故障都由种子决定 (simulate on a virtual clock)
    Sim(Sim),
    /// 某位来电者为什么还在等：询问运行中的引擎 (why does a caller still wait)
    Why(Why),
    /// 这个号码此刻打来，谁接、为什么：有人接退出码为 0，全部关门为 3 (who would take this call, and why)
    Route(Route),
    /// 按这个转接键会拨谁、为什么：地点定了退出码为 0，要问或不明为 1 (whom a transfer key would reach, and why)
    Key(Key),
    /// 画出坐席组一周的开放钟点、线路数和空档 (draw the week of pools)
    Week(Week),
    /// 两份配置之间，哪些来电、哪些钟点会换人接：没有变化退出码为 0，有为 1 (what another configuration would change)
    Diff(Diff),
    /// 录音：列出、导出（须写明理由）、保留、核对 (recordings: list, export with a reason, hold, verify)
    Recordings(Recordings),
}

/// `meishier serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// 配置文件，或一个文件夹：其中的 *.toml 合为一份配置 (configuration: a file, or a folder of *.toml)
    #[arg(long, value_name = "PATH")]
    pub config: PathBuf,
    /// 界面语言，默认依配置文件 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
    /// 日志格式 (log format)
    #[arg(long, value_enum, default_value_t = LogChoice::Text)]
    pub log: LogChoice,
    /// 日志级别 (log level): error, warn, info, debug, trace
    #[arg(long, default_value = "info", value_parser = level)]
    pub log_level: Level,
}

/// `meishier check`
#[derive(Debug, Args)]
pub struct Check {
    /// 配置文件，或一个文件夹：其中的 *.toml 合为一份配置 (configuration: a file, or a folder of *.toml)
    #[arg(long, value_name = "PATH")]
    pub config: PathBuf,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// `meishier demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// 打多少个电话，默认 60 (how many calls to play)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub calls: Option<u32>,
    /// 最后一行输出 JSON 摘要 (print a JSON summary as the last line)
    #[arg(long)]
    pub json: bool,
    /// 只启动引擎，由您自己拨打 (start the engine alone, until stopped)
    #[arg(long, conflicts_with_all = ["calls", "json"])]
    pub no_calls: bool,
    /// SIP 地址 (SIP address)
    #[arg(long, value_name = "ADDR")]
    pub sip: Option<SocketAddr>,
    /// 网页与接口地址 (HTTP address)
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum, default_value_t = Lang::Zh)]
    pub lang: Lang,
    /// 随机数种子，相同则演示相同 (seed of the demonstration)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// For tests: the counsellor's voice of the first call is cut, which the demo must notice.
    #[arg(long, hide = true)]
    pub cut_one_direction: bool,
    /// For tests: civil time at the start, as `2031-03-05T10:00` in the configuration's zone.
    #[arg(long, hide = true, value_name = "WHEN", value_parser = crate::demo::Moment::parse)]
    pub wall: Option<crate::demo::Moment>,
    /// For tests: the time over which the calls come, seconds.
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub length: Option<u64>,
    /// For tests: how many shards.
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub shards: Option<u16>,
}

/// `meishier sim`
#[derive(Debug, Args)]
pub struct Sim {
    /// 场景：文件，或自带场景的名字，例如 guizhou (scenario: a file, or the name of a shipped one)
    #[arg(long, value_name = "FILE")]
    pub scenario: String,
    /// 随机数种子，相同则逐字节相同 (everything follows from it)
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// 模拟多少天，默认 1 (simulated days)
    #[arg(long, value_name = "D", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// 故障：none 无，light 轻，swarm 每个种子随机一组 (what goes wrong)
    #[arg(long, value_enum, default_value_t = Faults::None)]
    pub faults: Faults,
    /// 最后一行输出 JSON 摘要 (print a JSON summary as the last line)
    #[arg(long)]
    pub json: bool,
    /// 把全部消息写进这个文件 (write every message to a file)
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// 在引擎走完第 N 步时，把整个引擎写成快照再恢复 (restore the whole engine after this step)
    #[arg(long, value_name = "N")]
    pub restore_at: Option<u64>,
    /// 排队用哪一种实现：lock-free 无锁，即正式使用的；one-lock 一把锁，用来对照 (which queue the engine runs on)
    #[arg(long, value_enum, default_value_t = Queue::LockFree)]
    pub queue: Queue,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum, default_value_t = Lang::Zh)]
    pub lang: Lang,
}

/// `meishier why`
#[derive(Debug, Args)]
pub struct Why {
    /// 通话编号，见 /api/v1/calls (the call, as the API names it)
    #[arg(value_name = "CALL")]
    pub call: String,
    /// 引擎的 HTTP 地址 (the engine's HTTP address)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// 接口令牌；也可用环境变量 MEISHIER_TOKEN，免得别人从进程列表看到 (token of the API, or by MEISHIER_TOKEN)
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// 输出接口的 JSON (print the API's JSON)
    #[arg(long)]
    pub json: bool,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum, default_value_t = Lang::Zh)]
    pub lang: Lang,
}

/// `meishier route`
#[derive(Debug, Args)]
pub struct Route {
    /// 配置文件，或一个文件夹 (configuration: a file, or a folder of *.toml)
    #[arg(long, value_name = "PATH")]
    pub config: PathBuf,
    /// 来电号码，任何写法；anonymous 为号码不明 (the caller's number, anonymous if withheld)
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub from: String,
    /// 拨的号码 (the number dialled)
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "12356",
        allow_hyphen_values = true
    )]
    pub to: String,
    /// 从哪条中继来，默认第一条 (over which trunk)
    #[arg(long, value_name = "NAME")]
    pub trunk: Option<String>,
    /// 什么时候，默认现在："2026-10-01 23:30"（按配置的时区），或 RFC 3339 (when, the file's zone or RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// 运营商送来的基站标识 (the cell that the carrier names)
    #[arg(long, value_name = "VALUE")]
    pub cell: Option<String>,
    /// 当作已标记为高危 (as if flagged at risk)
    #[arg(long)]
    pub risk: bool,
    /// 当作已标记为骚扰 (as if marked for nuisance)
    #[arg(long)]
    pub nuisance: bool,
    /// 当作有这个标签，可写多次 (as if this was noted of the caller)
    #[arg(long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// 假设某坐席组的状态，可写多次：normal、unstaffed、overloaded、going_down、down、full (as if a pool was in this state)
    #[arg(long = "pool-state", value_name = "POOL=STATE")]
    pub pool_states: Vec<String>,
    /// 列出看过的每一条规则 (every rule looked at)
    #[arg(long)]
    pub explain: bool,
    /// 输出一个 JSON 对象 (one JSON object)
    #[arg(long)]
    pub json: bool,
    /// 不遮盖号码 (show numbers in full)
    #[arg(long)]
    pub reveal: bool,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// `meishier key`
#[derive(Debug, Args)]
pub struct Key {
    /// 转接键，例如 110 (the key)
    #[arg(value_name = "KEY")]
    pub key: String,
    /// 咨询员给出的地点：城市、代码、区号或地址；不写就看来电 (the place as a counsellor gives it)
    #[arg(value_name = "PLACE", default_value = "")]
    pub place: String,
    /// 配置文件，或一个文件夹；不写就只有公共服务的键 (configuration; without it the keys of public services)
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// 来电号码，任何写法 (the caller's number)
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "anonymous",
        allow_hyphen_values = true,
        requires = "config"
    )]
    pub from: String,
    /// 从哪条中继来，默认第一条 (over which trunk the call came)
    #[arg(long, value_name = "NAME", requires = "config")]
    pub trunk: Option<String>,
    /// 运营商送来的基站标识 (the cell that the carrier names)
    #[arg(long, value_name = "VALUE", requires = "config")]
    pub cell: Option<String>,
    /// 输出一个 JSON 对象 (one JSON object)
    #[arg(long)]
    pub json: bool,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// `meishier week`
#[derive(Debug, Args)]
pub struct Week {
    /// 配置文件，或一个文件夹 (configuration: a file, or a folder of *.toml)
    #[arg(long, value_name = "PATH")]
    pub config: PathBuf,
    /// 坐席组，可写多次：合在一起画 (pools, drawn together)
    #[arg(long = "pool", value_name = "NAME", required_unless_present = "city")]
    pub pools: Vec<String>,
    /// 一个城市：为它服务的全部坐席组 (all pools that serve a city)
    #[arg(long, value_name = "NAME", conflicts_with = "pools")]
    pub city: Option<String>,
    /// 哪一周：其中任何一天，默认本周 (a day of the week to draw), 2026-10-01
    #[arg(long, value_name = "DATE")]
    pub from: Option<meishier_routing::Date>,
    /// 输出一个 JSON 对象 (one JSON object)
    #[arg(long)]
    pub json: bool,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// `meishier diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// 原来的配置：文件或文件夹 (the old configuration)
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// 新的配置：文件或文件夹 (the new configuration)
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// 全部列出，不省略 (leave nothing out)
    #[arg(long)]
    pub all: bool,
    /// 输出一个 JSON 对象 (one JSON object)
    #[arg(long)]
    pub json: bool,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
}

/// `meishier recordings`
#[derive(Debug, Args)]
pub struct Recordings {
    /// 配置文件，或一个文件夹 (configuration: a file, or a folder of *.toml)
    #[arg(long, value_name = "PATH", global = true)]
    pub config: Option<PathBuf>,
    /// 界面语言 (language of messages)
    #[arg(long, value_enum, global = true)]
    pub lang: Option<Lang>,
    /// What to do.
    #[command(subcommand)]
    pub command: RecordingsCommand,
}

/// What can be done with recordings.
#[derive(Debug, Subcommand)]
pub enum RecordingsCommand {
    /// 列出全部录音 (every recording)
    List {
        /// 每行一个 JSON 对象 (one JSON object a line)
        #[arg(long)]
        json: bool,
    },
    /// 解密导出为 WAV，并在标准输出列出时间线；记入 audit.log (decrypt to WAV, with the time line; audited)
    Export {
        /// 录音编号 (the recording)
        #[arg(value_name = "ID")]
        id: String,
        /// 写到哪个文件，不得已存在 (the file, which must not be there)
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// 各方混音，默认 (all parties together, the default)
        #[arg(long, conflicts_with = "party")]
        mixed: bool,
        /// 只导出这一轨 (one track alone)
        #[arg(long, value_name = "N")]
        party: Option<u8>,
        /// 为什么 (why)
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// 核对：删除和使用的记录是否连续，每份录音是否完好 (are the ledgers and all recordings as they were written)
    Verify,
    /// 保留：到期也不删除 (keep a recording whatever its age)
    Hold {
        /// 录音编号 (the recording)
        #[arg(value_name = "ID")]
        id: String,
        /// 为什么 (why)
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// 取消保留 (let it be deleted when its time comes)
    Release {
        /// 录音编号 (the recording)
        #[arg(value_name = "ID")]
        id: String,
        /// 为什么 (why)
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// 生成一把密钥，只有属主可读 (make a key file)
    NewKey {
        /// 写到哪个文件，不得已存在 (the file, which must not be there)
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// What goes wrong in a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Faults {
    /// 无 (nothing)
    None,
    /// 轻 (a little of everything)
    Light,
    /// 每个种子随机一组 (a random subset for each seed)
    Swarm,
}

impl From<Faults> for meishier_sim::FaultLevel {
    fn from(faults: Faults) -> Self {
        match faults {
            Faults::None => Self::None,
            Faults::Light => Self::Light,
            Faults::Swarm => Self::Swarm,
        }
    }
}

/// The queue of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Queue {
    /// 无锁，正式使用的 (the one that the engine runs on)
    LockFree,
    /// 一把锁，用来对照 (the reference model)
    OneLock,
}

impl From<Queue> for meishier_sim::QueueKind {
    fn from(queue: Queue) -> Self {
        match queue {
            Queue::LockFree => Self::LockFree,
            Queue::OneLock => Self::OneLock,
        }
    }
}

/// Language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl From<Lang> for meishier_config::Lang {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Zh => Self::Zh,
            Lang::En => Self::En,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogChoice {
    /// 文本 (for people)
    Text,
    /// 每行一个 JSON 对象 (one object a line)
    Json,
}

impl From<LogChoice> for LogFormat {
    fn from(choice: LogChoice) -> Self {
        match choice {
            LogChoice::Text => Self::Text,
            LogChoice::Json => Self::Json,
        }
    }
}

fn level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|error| format!("{error}"))
}
