//! Numbers and addresses written into a buffer without the machinery of `fmt`, which costs more
//! than the rest of a message together.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// A decimal number.
pub(crate) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// 16 hexadecimal digits in lower case, of a word.
pub(crate) fn hex(word: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (at, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(word >> (60 - 4 * at)) as usize & 15];
    }
    digits
}

/// An address as `Display` writes it.
pub(crate) fn ip(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (at, octet) in address.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                decimal(out, u64::from(octet));
            }
        }
        // Writing into a vector cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// An address with its port, as `Display` writes it.
pub(crate) fn socket(out: &mut Vec<u8>, address: SocketAddr) {
    match address {
        SocketAddr::V4(_) => {
            ip(out, address.ip());
            out.push(b':');
            decimal(out, u64::from(address.port()));
        }
        // Writing into a vector cannot fail.
        SocketAddr::V6(address) => drop(write!(out, "{address}")),
    }
}
