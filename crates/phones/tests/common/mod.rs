//! What the tests of the phones share.
#![allow(dead_code)]

pub mod exchange;
pub mod mixer;

use meishier_phones::{Behaviour, Call, Dial, Phone, PhoneBank, PhoneOptions};
use std::time::Duration;

/// Far longer than anything takes; only a failure waits for it.
pub const LIMIT: Duration = Duration::from_secs(30);
/// As long as a tone must be heard.
pub const SECOND: Duration = Duration::from_secs(1);
/// The caller's tone.
pub const CALLER_HZ: u16 = 700;
/// The seat's tone.
pub const SEAT_HZ: u16 = 1_250;
/// The tone of a third party.
pub const POLICE_HZ: u16 = 2_100;

/// A caller and a callee on two sockets.
pub struct Pair {
    pub callers: PhoneBank,
    pub bank: PhoneBank,
    pub caller: Phone,
    pub callee: Phone,
}

/// A caller `13300001111` and a callee `12356`.
pub async fn pair(behaviour: Behaviour) -> Pair {
    let callers = PhoneBank::open().await.unwrap();
    let bank = PhoneBank::open().await.unwrap();
    let tones = [CALLER_HZ, SEAT_HZ, POLICE_HZ];
    let caller = callers
        .phone(PhoneOptions::new("13300001111", CALLER_HZ, &tones))
        .await
        .unwrap();
    let callee = bank
        .phone(PhoneOptions {
            behaviour,
            ..PhoneOptions::new("12356", SEAT_HZ, &tones)
        })
        .await
        .unwrap();
    Pair {
        callers,
        bank,
        caller,
        callee,
    }
}

impl Pair {
    pub async fn dial(&self) -> Call {
        self.caller
            .dial(Dial::new(self.bank.address(), "12356"))
            .await
            .unwrap()
    }
}
