//! 20,000 damaged files, and 4,000 damaged sets of files: mistakes are told, nothing panics, every
//! span lies within the text.

mod shelf;

use meishier_config::{Lang, parse, place, render};
use meishier_model::Wall;

const FILES: [&str; 4] = [
    include_str!("data/small.toml"),
    include_str!("data/mistakes.toml"),
    include_str!("../../../deploy/guizhou.toml"),
    include_str!("data/areas.toml"),
];

/// What a hand that slips or means harm would put in.
const PIECES: [&str; 34] = [
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    "\n",
    ",",
    "{n}",
    "{0000..9999}",
    "{0..9}",
    "99999999999999999999999",
    "-1",
    "0x7fff_ffff_ffff_ffff",
    "1e400",
    "nan",
    "2028-02-30",
    "\"00:00-24:00\"",
    "\"99999999999999999999h\"",
    "没事儿",
    "\u{0}",
    "\"\"\"",
    "true",
    "[[pools]]\n",
    "name = \"a{000000..999999}\"\n",
    "include = [\"*.toml\"]\n",
    "include = [\"*/*\"]\n",
    "include = [\"many/pools.toml\", \"../conf//many/./seats.toml\"]\n",
    "include = 7\n",
    "*",
    "../",
];

/// xorshift64*: seeded, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }

    fn boundary(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn damage(dice: &mut Dice, text: &mut String) {
    let (a, b) = (dice.boundary(text), dice.boundary(text));
    let (from, to) = (a.min(b), a.max(b));
    let mut near = (from + dice.below(12)).min(to);
    while !text.is_char_boundary(near) {
        near -= 1;
    }
    match dice.below(7) {
        0 => text.replace_range(from..near, ""),
        1 => text.insert_str(from, PIECES[dice.below(PIECES.len())]),
        2 => text.replace_range(from..near, PIECES[dice.below(PIECES.len())]),
        3 => {
            let lines: Vec<&str> = text.lines().collect();
            let line = lines[dice.below(lines.len())].to_owned() + "\n";
            let at = text[..from].rfind('\n').map_or(0, |at| at + 1);
            text.insert_str(at, &line);
        }
        4 => {
            let lines: Vec<&str> = text.lines().collect();
            let gone = dice.below(lines.len());
            let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone);
            *text = kept.map(|(_, line)| format!("{line}\n")).collect();
        }
        5 => {
            // One digit becomes another, which leaves the syntax alone.
            let digits: Vec<usize> = text
                .match_indices(|c: char| c.is_ascii_digit())
                .map(|m| m.0)
                .collect();
            if let Some(&at) = digits.get(dice.below(digits.len())) {
                text.replace_range(at..=at, &dice.below(10).to_string());
            }
        }
        _ => {
            // One letter is lost, which leaves the syntax alone most of the time.
            let letters: Vec<usize> = text
                .match_indices(|c: char| c.is_alphabetic())
                .map(|m| m.0)
                .collect();
            if let Some(&at) = letters.get(dice.below(letters.len())) {
                text.remove(at);
            }
        }
    }
}

#[test]
fn damaged_files_are_refused_in_words() {
    let mut dice = Dice(0x0123_5612_3561_2356);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..20_000_usize {
        // The large file costs ten times as much; so it comes less often.
        let which = match round % 16 {
            0 => 2,
            3 | 7 | 11 => 3,
            _ => round % 2,
        };
        let mut text = FILES[which].to_owned();
        for _ in 0..=dice.below(4) {
            if text.is_empty() {
                break;
            }
            damage(&mut dice, &mut text);
        }
        let today = (round % 2 == 0).then_some(Wall(1_780_000_000_000));
        let list = match parse(&text, today) {
            Ok((_, warnings)) => {
                taken += 1;
                warnings
            }
            Err(errors) => {
                refused += 1;
                assert!(
                    !errors.is_empty(),
                    "round {round}: refused without a word\n{text}"
                );
                errors
            }
        };
        for item in &list {
            let span = item.span.clone();
            assert!(
                span.start <= span.end && span.end <= text.len(),
                "round {round}: {item:?}"
            );
            assert!(place(&text, span.start).0 <= text.matches('\n').count() + 1);
            assert!(text.is_char_boundary(span.start), "round {round}: {item:?}");
        }
        assert!(render(&list, "f", &text, Lang::Zh).len() < 1 << 20);
    }
    assert!(
        taken > 500 && refused > 5000,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn damaged_sets_of_files_are_refused_in_words() {
    let mut dice = Dice(0x5612_3561_2356_0123);
    let (mut taken, mut refused, mut elsewhere) = (0, 0, 0);
    for round in 0..4000_usize {
        let (mut shelf, main) = if round % 2 == 0 {
            (shelf::cut(), "conf/main.toml")
        } else {
            (shelf::wrong(), "main.toml")
        };
        for _ in 0..=dice.below(3) {
            let which = dice.below(shelf.0.len());
            let text = shelf.0.values_mut().nth(which).unwrap();
            if !text.is_empty() {
                damage(&mut dice, text);
            }
        }
        let sources = shelf.sources(main);
        let (list, lang) = match sources.parse(Some(Wall(1_780_000_000_000))) {
            Ok((_, warnings)) => {
                taken += 1;
                (warnings, Lang::Zh)
            }
            Err(errors) => {
                refused += 1;
                assert!(!errors.is_empty(), "round {round}: refused without a word");
                (errors, Lang::En)
            }
        };
        let last = sources
            .files()
            .iter()
            .map(|it| it.text.len() + 1)
            .sum::<usize>();
        for item in &list {
            assert!(
                item.span.start <= item.span.end && item.span.end < last.max(1),
                "{item:?}"
            );
            let at = sources.place(item.span.start);
            let file = sources
                .files()
                .iter()
                .find(|it| it.name == at.file)
                .unwrap();
            assert!(
                at.line <= file.text.matches('\n').count() + 1,
                "round {round}: {item:?}"
            );
            elsewhere += usize::from(at.file != main);
        }
        assert!(sources.render(&list, lang).len() < 1 << 20);
    }
    assert!(
        taken > 100 && refused > 1000 && elsewhere > 1000,
        "{taken} taken, {refused} refused, {elsewhere} mistakes in other files"
    );
}
