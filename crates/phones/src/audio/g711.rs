//! G.711 A-law and mu-law after ITU-T G.711, written for the phones alone.
//!
//! The engine has another implementation; this one must stay independent of it.

/// Encodes one 16-bit sample to A-law (ITU-T G.711, table 1, even bits inverted).
#[must_use]
pub fn alaw_encode(sample: i16) -> u8 {
    let value = i32::from(sample) >> 3;
    let (mask, magnitude) = if value >= 0 {
        (0xd5, value)
    } else {
        (0x55, -value - 1)
    };
    let segment = segment(magnitude, 0x1f);
    let shift = segment.max(1);
    let code = ((segment << 4) as i32) | ((magnitude >> shift) & 0x0f);
    code as u8 ^ mask
}

/// Decodes one A-law octet to a 16-bit sample.
#[must_use]
pub fn alaw_decode(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code & 0x70) >> 4;
    let mut magnitude = (i32::from(code & 0x0f) << 4) + 8;
    if segment > 0 {
        magnitude = (magnitude + 0x100) << (segment - 1);
    }
    (if code & 0x80 != 0 {
        magnitude
    } else {
        -magnitude
    }) as i16
}

/// Encodes one 16-bit sample to mu-law (ITU-T G.711, table 2, all bits inverted).
#[must_use]
pub fn ulaw_encode(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    const CLIP: i32 = 32_635;
    let value = i32::from(sample);
    let sign = if value < 0 { 0x80 } else { 0 };
    let magnitude = value.abs().min(CLIP) + BIAS;
    let segment = segment(magnitude, 0xff);
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | mantissa as u8)
}

/// Decodes one mu-law octet to a 16-bit sample.
#[must_use]
pub fn ulaw_decode(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i32::from(code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
    (if code & 0x80 != 0 {
        0x84 - magnitude
    } else {
        magnitude - 0x84
    }) as i16
}

/// The segment (0 to 7) whose upper end is the first not below `magnitude`; `first_end` doubles each segment.
fn segment(magnitude: i32, first_end: i32) -> u32 {
    let mut end = first_end;
    let mut segment = 0;
    while magnitude > end && segment < 7 {
        end = (end << 1) | 1;
        segment += 1;
    }
    segment
}
