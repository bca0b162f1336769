//! The number of callers ahead, as Mandarin says it before the measure word 位.

use super::PromptId;

/// Largest number that is said exactly.
const LARGEST: u32 = 99;

/// What to say to a caller with `ahead` callers before it: 下一位就是您 for 0, else 前面还有 N 位,
/// with 超过九十九 for more than 99.
///
/// Two alone is 两 before a measure word, 二 within a larger number; ten is 十, not 一十.
#[must_use]
pub fn position(ahead: u32) -> Vec<PromptId> {
    if ahead == 0 {
        return vec![PromptId::NextInLine];
    }
    let mut said = Vec::with_capacity(5);
    said.push(PromptId::PositionBefore);
    match ahead {
        2 => said.push(PromptId::Couple),
        1..=LARGEST => {
            let (tens, ones) = (ahead / 10, ahead % 10);
            if tens > 1 {
                said.push(digit(tens));
            }
            if tens > 0 {
                said.push(PromptId::Ten);
            }
            if ones > 0 {
                said.push(digit(ones));
            }
        }
        _ => said.push(PromptId::OverNinetyNine),
    }
    said.push(PromptId::PositionAfter);
    said
}

/// The prompt of a digit key; `None` for any other.
#[must_use]
pub fn digit_of(key: char) -> Option<PromptId> {
    key.to_digit(10).map(digit)
}

fn digit(value: u32) -> PromptId {
    match value {
        1 => PromptId::One,
        2 => PromptId::Two,
        3 => PromptId::Three,
        4 => PromptId::Four,
        5 => PromptId::Five,
        6 => PromptId::Six,
        7 => PromptId::Seven,
        8 => PromptId::Eight,
        9 => PromptId::Nine,
        _ => PromptId::Zero,
    }
}
