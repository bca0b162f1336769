//! Spoken prompts and music: embedded WAV files, encoded once for each codec.

use crate::wav::{self, WavError};
use crate::{Codec, g711};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

mod position;

pub use position::{digit_of, position};

macro_rules! prompts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $text:literal;)*) => {
        /// One recording.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum PromptId {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        /// Every prompt with its name, its words and its embedded file, in the order of [`PromptId`].
        const TABLE: &[(PromptId, &str, &str, &[u8])] = &[
            $((PromptId::$variant, $name, $text, include_bytes!(concat!("../assets/prompts/", $name, ".wav"))),)*
        ];
    };
}

prompts! {
    /// Welcome, on answering.
    Greeting = "greeting", "您好，这里是12356心理援助热线，正在为您接通咨询员，请不要挂机。";
    /// Said before the number of callers ahead.
    PositionBefore = "position_before", "前面还有";
    /// Said after the number of callers ahead.
    PositionAfter = "position_after", "位";
    /// 0.
    Zero = "0", "零";
    /// 1.
    One = "1", "一";
    /// 2 within a number.
    Two = "2", "二";
    /// 3.
    Three = "3", "三";
    /// 4.
    Four = "4", "四";
    /// 5.
    Five = "5", "五";
    /// 6.
    Six = "6", "六";
    /// 7.
    Seven = "7", "七";
    /// 8.
    Eight = "8", "八";
    /// 9.
    Nine = "9", "九";
    /// 10, or times ten.
    Ten = "10", "十";
    /// 2 alone before 位.
    Couple = "liang", "两";
    /// More than 99.
    OverNinetyNine = "over_99", "超过九十九";
    /// Nobody is ahead.
    NextInLine = "next_in_line", "下一位就是您。";
    /// Every counsellor is busy.
    AllBusy = "all_busy", "咨询员都在忙，请您稍等，我们会尽快为您接通。";
    /// To a counsellor: signed on.
    SignedOn = "signed_on", "签入成功。";
    /// To a counsellor: signed off.
    SignedOff = "signed_off", "已签出。";
    /// To a counsellor: the seat takes calls again.
    Resumed = "resumed", "已恢复接听。";
    /// To a counsellor: the seat is paused.
    Paused = "paused", "已示忙。";
    /// To a counsellor: the seat was paused after unanswered calls.
    PausedNoAnswer = "paused_no_answer", "您有来电未接听，座席已暂停。准备好后请恢复接听。";
    /// To a counsellor: the transfer failed, the call goes on.
    TransferFailed = "transfer_failed", "转接未成功，通话继续。";
    /// To a counsellor: the transfer is being dialled.
    TransferDialling = "transfer_dialling", "正在转接，请稍候。";
    /// To a counsellor: account or PIN is wrong.
    PinWrong = "pin_wrong", "工号或密码不正确，请重新输入。";
    /// To a counsellor: the keys pressed on the telephone mean nothing.
    CodeUnknown = "code_unknown", "没有这个代码。";
    /// To a waiting caller, before the key that says that life is in danger.
    DangerBefore = "danger_before", "如果有生命危险，请按";
    /// After that key.
    DangerAfter = "danger_after", "键。";
    /// To a waiting caller who pressed that key.
    DangerHeard = "danger_heard", "已为您优先接通，请不要挂机。";
    /// To a caller whose conversation is about to be recorded.
    RecordingTold = "recording_told", "为保障服务质量，本次通话将被录音。";
    /// To a caller who may refuse to be recorded, before the key.
    RecordingAsked = "recording_asked", "为保障服务质量，本次通话将被录音。如不同意，请按";
    /// To a caller who refused.
    RecordingRefused = "recording_refused", "好的，本次通话不录音。";
    /// To a caller whose conversation a counsellor ends for nuisance: where to turn to.
    Guidance = "guidance", "这条热线留给需要心理援助的人。其他帮助请拨打12345。感谢您的来电，再见。";
    /// 1 within a telephone number.
    Yao = "yao", "幺";
    /// 100.
    Hundred = "hundred", "一百";
    /// To whoever answers an emergency key: who hands over, and whom.
    BriefDanger = "brief_danger", "这里是12356心理援助热线，转接一位有生命危险的来电者。";
    /// The same of any other key.
    BriefHelp = "brief_help", "这里是12356心理援助热线，转接一位来电者。";
    /// How great the danger is: an attempt is under way.
    BriefActing = "brief_acting", "自杀行为，正在实施。";
    /// How great the danger is.
    BriefHigh = "brief_high", "自杀风险高。";
    /// How great the danger is.
    BriefMedium = "brief_medium", "自杀风险中等。";
    /// Before the digits of an area code.
    BriefPlace = "brief_place", "地点区号";
    /// Where the place is from: what the caller said.
    BriefPlaceTold = "brief_place_told", "地点由来电者说明。";
    /// Where the place is from: the mobile network.
    BriefPlaceCell = "brief_place_cell", "地点来自基站。";
    /// Where the place is from: the caller's number, which may be of elsewhere.
    BriefPlaceNumber = "brief_place_number", "地点来自号码归属地。";
    /// The place is in doubt.
    BriefPlaceUnsure = "brief_place_unsure", "地点不确定。";
    /// Before the digits of the caller's number.
    BriefNumber = "brief_number", "来电号码";
    /// Nobody knows the number.
    BriefNoNumber = "brief_no_number", "没有来电号码。";
    /// The number is not the caller's own.
    BriefSwitchboard = "brief_switchboard", "来电号码是总机。";
    /// No network vouches for the number.
    BriefUnproved = "brief_unproved", "号码未经核实。";
    /// Before the digits of the number to call back.
    BriefCallback = "brief_callback", "回拨号码";
    /// Before the percentage left in the caller's telephone.
    BriefBattery = "brief_battery", "手机电量，百分之";
    /// What is dangerous there.
    HazardHeight = "hazard_height", "人在高处。";
    /// What is dangerous there.
    HazardBlade = "hazard_blade", "有刀具。";
    /// What is dangerous there.
    HazardPoison = "hazard_poison", "有药物或毒物。";
    /// What is dangerous there.
    HazardGas = "hazard_gas", "有煤气。";
    /// What is dangerous there.
    HazardWater = "hazard_water", "人在水边。";
    /// What is dangerous there.
    HazardFire = "hazard_fire", "有明火。";
    /// What is dangerous there.
    HazardRope = "hazard_rope", "有绳索。";
    /// What is dangerous there.
    HazardTraffic = "hazard_traffic", "人在铁路或公路上。";
    /// What is dangerous there.
    HazardViolence = "hazard_violence", "有人施暴。";
    /// What is dangerous there.
    HazardOthers = "hazard_others", "他人也有危险。";
    /// A counsellor stays on the line.
    BriefStays = "brief_stays", "咨询员正在陪伴来电者。";
    /// What whoever answered is to press.
    BriefConfirm = "brief_confirm", "请按1键确认接手，按2键重听。";
    /// The end.
    Goodbye = "goodbye", "感谢您的来电，再见。";
    /// Music on hold, a loop.
    Music = "music", "";
}

impl PromptId {
    /// The name, as in the name of its WAV file.
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The words in Chinese; empty for music.
    #[must_use]
    pub fn text(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// The prompt of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Every prompt.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }
}

/// The prompts of these names, in order; a name that is none is left out.
#[must_use]
pub fn playlist<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<PromptId> {
    let names = names.into_iter();
    names.filter_map(PromptId::from_name).collect()
}

/// The names of all prompts, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    PromptId::all().map(PromptId::name).collect()
}

/// Bytes and samples of a frame of 20 ms; prompts are padded with silence to a multiple of it.
pub const FRAME: usize = 160;

/// Seconds that a spoken prompt may last.
pub const MAX_SPEECH_SECONDS: u32 = 120;
/// Seconds that the music may last.
pub const MAX_MUSIC_SECONDS: u32 = 480;

/// Why a prompt was not replaced. The operator's file or its name is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptError {
    /// No prompt has this name.
    UnknownName(String),
    /// The file is not fit.
    Wav {
        /// The prompt's name.
        name: &'static str,
        /// What is wrong.
        error: WavError,
    },
}

impl PromptError {
    /// What is wrong and what would be right, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::UnknownName(name) => format!(
                "没有名为“{name}”的提示音，可用的名称：{}",
                names().join("、")
            ),
            Self::Wav { name, error } => format!("提示音“{name}”：{}", error.message_zh()),
        }
    }

    /// What is wrong and what would be right, in English.
    #[must_use]
    pub fn message_en(&self) -> String {
        match self {
            Self::UnknownName(name) => format!(
                "no prompt is named \"{name}\"; the names are: {}",
                names().join(", ")
            ),
            Self::Wav { name, error } => format!("prompt \"{name}\": {}", error.message_en()),
        }
    }
}

impl fmt::Display for PromptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_zh())
    }
}

impl std::error::Error for PromptError {}

/// All recordings, encoded for each codec, shared by every media thread.
#[derive(Clone)]
pub struct PromptSet {
    encoded: Vec<[Arc<[u8]>; 2]>,
}

impl PromptSet {
    /// The recordings that come with the program.
    #[must_use]
    pub fn embedded() -> Self {
        // A file that does not parse would be heard as 20 ms of silence; a test reads them all.
        Self {
            encoded: TABLE
                .iter()
                .map(|row| encode(&wav::parse(row.3).unwrap_or_default()))
                .collect(),
        }
    }

    /// Puts an operator's recording in the place of the prompt `name`.
    ///
    /// # Errors
    /// The name is unknown, or the file is not 8 kHz mono 16-bit PCM of a fit length; the old
    /// recording then stays.
    pub fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), PromptError> {
        let id = PromptId::from_name(name)
            .ok_or_else(|| PromptError::UnknownName(name.chars().take(64).collect()))?;
        let name = id.name();
        let samples = wav::parse(bytes).map_err(|error| PromptError::Wav { name, error })?;
        let limit = if id == PromptId::Music {
            MAX_MUSIC_SECONDS
        } else {
            MAX_SPEECH_SECONDS
        };
        let seconds =
            u32::try_from(samples.len().div_ceil(Codec::RATE as usize)).unwrap_or(u32::MAX);
        if seconds > limit {
            return Err(PromptError::Wav {
                name,
                error: WavError::TooLong { seconds, limit },
            });
        }
        self.encoded[id as usize] = encode(&samples);
        Ok(())
    }

    /// The recording in `codec`: one byte a sample, a whole number of 20 ms frames, at least one.
    #[must_use]
    pub fn encoded(&self, id: PromptId, codec: Codec) -> &Arc<[u8]> {
        &self.encoded[id as usize][codec.index()]
    }

    /// How long a prompt lasts.
    #[must_use]
    pub fn duration(&self, id: PromptId) -> Duration {
        Duration::from_micros(self.encoded(id, Codec::Pcma).len() as u64 * 125)
    }
}

fn encode(samples: &[i16]) -> [Arc<[u8]>; 2] {
    [Codec::Pcma, Codec::Pcmu].map(|codec| {
        let mut bytes = g711::encode_all(codec, samples);
        bytes.resize(
            bytes.len().max(1).next_multiple_of(FRAME),
            g711::silence(codec),
        );
        bytes.into()
    })
}
