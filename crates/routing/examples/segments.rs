//! Writes `data/segments.bin` from lines `first,last,adcode,area_code`, or times the look-ups.
//!
//! ```text
//!   zcat mobile_segments.csv.gz | cargo run -p meishier-routing --example segments -- write > crates/routing/data/segments.bin
//!   cargo run --release -p meishier-routing --example segments -- time
//! ```

use meishier_model::TrunkId;
use meishier_routing::{Atlas, Block, CityId, Evidence, Gazetteer, Number, Segments};
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("write") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            std::io::stdout().write_all(&converted(&text)?)?;
        }
        Some("time") => time()?,
        _ => return Err("write or time".into()),
    }
    Ok(())
}

/// Cities that the table of segments still has, and those which they are part of: code, area code. 莱芜
/// is 济南.
const MERGED: [(u32, (u32, u32)); 1] = [(371_200, (370_100, 531))];

/// The form that the module of segments describes.
fn converted(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut places: Vec<(u32, u16)> = Vec::new();
    let mut words: Vec<u16> = Vec::new();
    let (mut ranges, mut segments, mut next) = (0_u32, 0_u32, 1_300_000_u32);
    for line in text.lines().skip(1) {
        let fields: Vec<u32> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let &[first, last, adcode, area] = fields.as_slice() else {
            return Err("four fields are needed".into());
        };
        let (_, now) = MERGED.into_iter().find(|it| it.0 == adcode).unzip();
        let (adcode, area) = now.unwrap_or((adcode, area));
        let place = (adcode, u16::try_from(area)?);
        let at = places.iter().position(|known| *known == place);
        let at = at.unwrap_or_else(|| {
            places.push(place);
            places.len() - 1
        });
        let length = last
            .checked_sub(first)
            .ok_or("a range ends before it begins")?
            + 1;
        let gap = first.checked_sub(next).ok_or("ranges overlap or fall")?;
        let short = u16::try_from(length.min(64) - 1)?;
        words.push(u16::try_from(at)? | short << 9 | u16::from(gap > 0) << 15);
        if short == 63 {
            words.push(u16::try_from(length)?);
        }
        if gap > 0 {
            words.push(u16::try_from(gap)?);
        }
        next = last + 1;
        ranges += 1;
        segments += length;
    }
    if places.len() > 512 {
        return Err("more places than nine bits".into());
    }
    let mut body = u16::try_from(places.len())?.to_le_bytes().to_vec();
    for (adcode, area) in places {
        body.extend(adcode.to_le_bytes());
        body.extend(area.to_le_bytes());
    }
    body.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let step = |hash: u32, &b: &u8| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193);
    let checksum = body.iter().fold(0x811c_9dc5, step);
    let mut out = b"SEG1".to_vec();
    for number in [ranges, segments, checksum] {
        out.extend(number.to_le_bytes());
    }
    out.extend(body);
    Ok(out)
}

fn time() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let atlas = Arc::new(Atlas::builtin());
    println!("atlas loaded in {:?}", start.elapsed());
    let start = Instant::now();
    let segments = Arc::new(Segments::builtin(&atlas));
    let (loaded, memory) = (start.elapsed(), segments.memory());
    println!("segments loaded in {loaded:?}, {memory} bytes");
    let mobiles: Vec<Number> = spread(|n| format!("1{:010}", 3_000_000_000 + n % 7_000_000_000));
    let landlines: Vec<Number> = spread(|n| format!("0{:03}{:08}", 310 + n % 690, n % 100_000_000));
    let texts: Vec<String> = (0..1000_u64)
        .map(|n| {
            format!(
                "sip:+861{:010}@ims.example.cn;user=phone",
                3_000_000_000 + n * 6_999_983
            )
        })
        .collect();
    let digits: Vec<String> = mobiles
        .iter()
        .map(|n| format!("+86{}", n.as_str()))
        .collect();
    each("URI", &texts, |text| Number::new(text).kind());
    each("number", &digits, |text| Number::new(text).kind());
    each("segment", &mobiles, |number| {
        segments.find(number.as_bytes())
    });
    each("area code", &landlines, |number| {
        atlas.code_of(number.as_bytes()).map(|code| code.id)
    });
    let cities = || (0..361_u16).map(CityId);
    let mut blocks: Vec<Block> = cities()
        .zip(0..)
        .map(|(city, trunk)| Block {
            trunks: vec![TrunkId(trunk)],
            callers: Vec::new(),
            city,
        })
        .collect();
    let number_block = |(city, n): (CityId, u32)| Block {
        trunks: Vec::new(),
        callers: vec![format!("0731{:04}", n * 7 % 10_000)],
        city,
    };
    blocks.extend((0..4000).map(|n| number_block((CityId((n % 361) as u16), n))));
    let cell = |n: u64| (format!("46000{:07X}", n * 7919), CityId((n % 361) as u16));
    let cells = (0..20_000).map(cell).collect();
    let gazetteer = Gazetteer::new(Arc::clone(&atlas), segments, &blocks, cells)
        .map_err(|error| format!("{error:?}"))?;
    let called = [Number::new("12356"), Number::new("073112356")];
    let cell = "4600012D687A0123";
    for (name, callers) in [("mobile", &mobiles), ("landline", &landlines)] {
        for (called, cell) in called.iter().flat_map(|c| [(c, None), (c, Some(cell))]) {
            let name = format!(
                "places of a {name}, {} dialled, cell {}",
                called.as_str(),
                cell.is_some()
            );
            each(&name, callers, |caller| {
                gazetteer.places(&Evidence {
                    trunk: TrunkId(77),
                    caller,
                    called,
                    cell,
                })
            });
        }
    }
    Ok(())
}

/// A thousand numbers, far from each other.
fn spread(text: impl Fn(u64) -> String) -> Vec<Number> {
    let number = |n: u64| Number::new(&text(n * 6_999_983 * 1009));
    (0..1000).map(number).collect()
}

fn each<T, U>(name: &str, inputs: &[T], f: impl Fn(&T) -> U) {
    let rounds = 1000;
    let start = Instant::now();
    for _ in 0..rounds {
        for input in inputs {
            black_box(f(black_box(input)));
        }
    }
    let nanos = start.elapsed().as_nanos() as f64 / (rounds * inputs.len()) as f64;
    println!("{name}: {nanos:.1} ns");
}
