//! Seeded randomness (xorshift64*, Marsaglia 2003, Vigna 2016) and what it does to messages.

/// A generator; the same seed gives the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// A generator with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`, 0 if `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 {
            0
        } else {
            (self.draw() % limit as u64) as usize
        }
    }

    /// Spoils a message in one to four places: bytes changed, cut, doubled, swapped between lines.
    pub fn mutate(&mut self, message: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            self.mutate_once(message);
        }
        message.truncate(60_000);
    }

    fn mutate_once(&mut self, message: &mut Vec<u8>) {
        const ODD: &[&[u8]] = &[
            b"\0",
            b"\r\n",
            b"\n",
            b"%",
            b"\"",
            b"<",
            b">",
            b";",
            b",",
            b":",
            b"@",
            b"[",
            b"]",
            b"-1",
            b"99999999999999999999",
            b"\xff\xfe",
            "没事".as_bytes(),
            b" ",
            b"\t",
            b"=",
        ];
        if message.is_empty() {
            return;
        }
        let at = self.below(message.len());
        let span = (1 + self.below(40)).min(message.len() - at);
        match self.below(8) {
            0 => message[at] = self.draw() as u8,
            1 => message[at] ^= 1 << self.below(8),
            2 => drop(message.drain(at..at + span)),
            3 => {
                let copy = message[at..at + span].to_vec();
                message.splice(at..at, copy);
            }
            4 => {
                let odd = ODD[self.below(ODD.len())];
                message.splice(at..at, odd.iter().copied());
            }
            5 => message.truncate(at),
            6 => self.swap_lines(message),
            _ => {
                let odd = ODD[self.below(ODD.len())].repeat(1 + self.below(200));
                message.splice(at..at, odd);
            }
        }
    }

    fn swap_lines(&mut self, message: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = message.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let (a, b) = (self.below(lines.len()), self.below(lines.len()));
        lines.swap(a, b);
        *message = lines.join(&b'\n');
    }
}
