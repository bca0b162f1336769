//! Why a call did not end as its script says, in Chinese and English.

use serde::{Serialize, Serializer};
use std::fmt;

/// One of those who speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The caller.
    Caller,
    /// The counsellor.
    Counsellor,
    /// The police.
    Police,
}

impl Who {
    fn zh(self) -> &'static str {
        match self {
            Self::Caller => "来电人",
            Self::Counsellor => "咨询员",
            Self::Police => "公安",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "the caller",
            Self::Counsellor => "the counsellor",
            Self::Police => "the police",
        })
    }
}

/// Why a call did not end as its script says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The caller's phone could not send the INVITE.
    NotDialled(String),
    /// The engine ended the call with this status before a counsellor answered or the caller gave up.
    EndedEarly(u16),
    /// No counsellor answered in time.
    NotAnswered,
    /// No seat rang in time for a caller who was to give up then.
    NotRung,
    /// The seat that had to refuse or to ignore the call was not offered it.
    NotRefused,
    /// The counsellor answered, and the caller got no 200.
    AnswerLost,
    /// Released during the talk, with this status.
    Released(Who, u16),
    /// The call was over before the script ended it.
    OverTooSoon,
    /// Did not hear the other, or one of the others, for a second.
    Deaf(Who),
    /// Neither heard the other for a second.
    BothDeaf,
    /// Heard a voice of another call: a tone of so many hertz.
    Stray(Who, u16),
    /// The caller waited long and heard nothing.
    Silence,
    /// The hang-up was not confirmed.
    HangUpUnconfirmed(Who),
    /// The other side's hang-up was not passed on.
    NotReleased(Who),
    /// This seat rang on after the caller had gone.
    RangOn(String),
    /// This seat was connected to a caller who had given up.
    AnsweredGone(String),
    /// The key could not be pressed; what was said.
    KeyRefused(String),
    /// The police were not called.
    PoliceNotCalled,
    /// Another number was dialled than the key and the city ask for.
    WrongNumber(String),
    /// The call to the police ended before they answered.
    PoliceNotReached,
    /// The counsellor was not let go after the police had taken over; what was said.
    NotLetGo(String),
}

impl Why {
    /// In Chinese; [`fmt::Display`] says it in English.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::NotDialled(why) => format!("来电人无法拨号：{why}"),
            Self::EndedEarly(status) => format!("无人接听前呼叫就以 {status} 结束"),
            Self::NotAnswered => "没有咨询员及时接听".into(),
            Self::NotRung => "没有坐席及时振铃".into(),
            Self::NotRefused => "没有坐席先拒接或不接".into(),
            Self::AnswerLost => "咨询员已接听，来电人没有收到 200".into(),
            Self::Released(who, status) => format!("{}在通话中被挂断（{status}）", who.zh()),
            Self::OverTooSoon => "剧本还没有结束，通话已经结束".into(),
            Self::Deaf(who) => format!("{}没有听到对方满一秒", who.zh()),
            Self::BothDeaf => "双方都没有听到对方满一秒".into(),
            Self::Stray(who, hz) => format!("{}还听到了别的通话（{hz} Hz）", who.zh()),
            Self::Silence => "来电人等待时什么也没有听到".into(),
            Self::HangUpUnconfirmed(who) => format!("{}的挂机没有得到确认", who.zh()),
            Self::NotReleased(who) => format!("对方挂机后，{}没有被挂断", who.zh()),
            Self::RangOn(seat) => format!("来电人已放弃，坐席 {seat} 还在振铃"),
            Self::AnsweredGone(seat) => format!("坐席 {seat} 接通了已放弃的来电"),
            Self::KeyRefused(why) => format!("一键转接被拒绝：{why}"),
            Self::PoliceNotCalled => "没有呼叫公安".into(),
            Self::WrongNumber(number) => format!("拨错了号码 {number}"),
            Self::PoliceNotReached => "公安接听前呼叫已结束".into(),
            Self::NotLetGo(why) => format!("公安已接手，咨询员却不能离开：{why}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDialled(why) => write!(f, "the caller could not dial: {why}"),
            Self::EndedEarly(status) => {
                write!(f, "the call ended with {status} before it was answered")
            }
            Self::NotAnswered => f.write_str("no counsellor answered in time"),
            Self::NotRung => f.write_str("no seat rang in time"),
            Self::NotRefused => f.write_str("no seat refused or ignored the call first"),
            Self::AnswerLost => f.write_str("the counsellor answered, but the caller got no 200"),
            Self::Released(who, status) => {
                write!(f, "{who} was released ({status}) during the talk")
            }
            Self::OverTooSoon => f.write_str("the call was over before the script ended it"),
            Self::Deaf(who) => write!(f, "{who} did not hear the others for a second"),
            Self::BothDeaf => f.write_str("neither heard the other for a second"),
            Self::Stray(who, hz) => write!(f, "{who} heard another call too ({hz} Hz)"),
            Self::Silence => f.write_str("the caller waited in silence"),
            Self::HangUpUnconfirmed(who) => write!(f, "the hang-up of {who} was not confirmed"),
            Self::NotReleased(who) => write!(f, "the other side hung up, {who} was not released"),
            Self::RangOn(seat) => write!(f, "seat {seat} rang on after the caller had gone"),
            Self::AnsweredGone(seat) => write!(f, "seat {seat} answered a caller who had gone"),
            Self::KeyRefused(why) => write!(f, "the key was refused: {why}"),
            Self::PoliceNotCalled => f.write_str("the police were not called"),
            Self::WrongNumber(number) => write!(f, "the wrong number {number} was dialled"),
            Self::PoliceNotReached => {
                f.write_str("the call to the police ended before they answered")
            }
            Self::NotLetGo(why) => write!(
                f,
                "the police had taken over, and the counsellor was not let go: {why}"
            ),
        }
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
