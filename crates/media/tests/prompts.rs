//! Recordings: all decode, the number of callers ahead is said right, replacements are checked.

use meishier_media::prompts::{self, PromptError, PromptId, PromptSet, position};
use meishier_media::wav::{self, WavError};
use meishier_media::{Codec, g711, tone};
use std::path::Path;

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/prompts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "wav"))
        .map(|p| {
            (
                p.file_stem().unwrap().to_str().unwrap().to_owned(),
                std::fs::read(p).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_embedded_recording_decodes_and_can_be_heard() {
    let files = files();
    let mut names = prompts::names();
    names.sort_unstable();
    assert_eq!(
        files.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(),
        names,
        "files and table agree"
    );
    assert!(
        files.iter().map(|f| f.1.len()).sum::<usize>() < 3 << 20,
        "below 3 MiB"
    );
    let set = PromptSet::embedded();
    for (name, bytes) in files {
        let samples = wav::parse(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let id = PromptId::from_name(&name).unwrap();
        let peak = samples.iter().map(|s| i32::from(*s).abs()).max().unwrap();
        let (low, high) = if id == PromptId::Music {
            (1500, 4000)
        } else {
            (12_000, 24_000)
        };
        assert!((low..high).contains(&peak), "{name}: peak {peak}");
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let encoded = set.encoded(id, codec);
            assert!(encoded.len() % 160 == 0 && encoded.len() - samples.len() < 160);
            let error = samples
                .iter()
                .zip(encoded.iter())
                .map(|(s, b)| (i32::from(*s) - i32::from(g711::decode(codec, *b))).abs())
                .max();
            assert!(error.unwrap() <= 1024, "{name} in {codec:?}: {error:?}");
        }
    }
    let seconds = set.duration(PromptId::Music).as_secs();
    assert!((20..=30).contains(&seconds), "{seconds} s of music");
    assert!(set.duration(PromptId::Greeting).as_secs() < 12);
}

#[test]
fn names_are_unique_and_come_back() {
    for id in PromptId::all() {
        assert_eq!(PromptId::from_name(id.name()), Some(id));
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            format!("\"{}\"", id.name())
        );
        assert_eq!(id.text().is_empty(), id == PromptId::Music);
    }
    assert_eq!(PromptId::from_name("greetings"), None);
}

/// Chinese for 1 to 99, by another way than the one under test: read from a table of tens and ones.
fn chinese(n: u32) -> String {
    let ones = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let tens = [
        "", "十", "二十", "三十", "四十", "五十", "六十", "七十", "八十", "九十",
    ];
    if n == 2 {
        "两".into()
    } else {
        format!("{}{}", tens[n as usize / 10], ones[n as usize % 10])
    }
}

#[test]
fn the_number_ahead_is_said_as_people_say_it() {
    for n in 0..=120 {
        let said: String = position(n).into_iter().map(PromptId::text).collect();
        let expected = match n {
            0 => "下一位就是您。".to_owned(),
            1..=99 => format!("前面还有{}位", chinese(n)),
            _ => "前面还有超过九十九位".to_owned(),
        };
        assert_eq!(said, expected, "{n}");
    }
    let samples = [
        (1, "一"),
        (2, "两"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (22, "二十二"),
        (99, "九十九"),
    ];
    for (n, word) in samples {
        assert_eq!(
            position(n)
                .into_iter()
                .map(PromptId::text)
                .collect::<String>(),
            format!("前面还有{word}位")
        );
    }
    assert_eq!(position(u32::MAX), position(100));
}

fn edited(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = wav::write(&[100; 800]);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn a_replacement_is_taken_or_told_what_is_wrong() {
    let mut set = PromptSet::embedded();
    let greeting = set.encoded(PromptId::Greeting, Codec::Pcma).clone();
    let table = [
        (
            edited(22, &[2, 0]),
            WavError::Channels(2),
            "提示音“greeting”：有 2 个声道，应为单声道",
            "prompt \"greeting\": it has 2 channels, it should be mono",
        ),
        (
            edited(24, &44_100u32.to_le_bytes()),
            WavError::Rate(44_100),
            "提示音“greeting”：采样率为 44100 Hz，应为 8000 Hz",
            "prompt \"greeting\": its sample rate is 44100 Hz, it should be 8000 Hz",
        ),
        (
            edited(34, &[8, 0]),
            WavError::Bits(8),
            "提示音“greeting”：采样位数为 8，应为 16 位",
            "prompt \"greeting\": its samples have 8 bits, they should have 16",
        ),
        (
            edited(20, &[6, 0]),
            WavError::NotPcm(6),
            "提示音“greeting”：编码格式号为 6，应为线性 PCM（1）",
            "prompt \"greeting\": its format tag is 6, it should be linear PCM (1)",
        ),
        (
            edited(0, b"OggS"),
            WavError::NotWav,
            "提示音“greeting”：不是 WAV 文件（开头应为 RIFF 和 WAVE）",
            "prompt \"greeting\": not a WAV file (it should begin with RIFF and WAVE)",
        ),
        (
            edited(40, &[0xff; 4]),
            WavError::Truncated,
            "提示音“greeting”：文件不完整：内容比文件头声明的短",
            "prompt \"greeting\": the file is incomplete: shorter than its headers say",
        ),
        (
            edited(12, b"list"),
            WavError::NoFormat,
            "提示音“greeting”：缺少 fmt 块",
            "prompt \"greeting\": the fmt chunk is missing",
        ),
        (
            wav::write(&[]),
            WavError::NoAudio,
            "提示音“greeting”：没有音频数据",
            "prompt \"greeting\": there is no audio in it",
        ),
        (
            wav::write(&vec![0; 8000 * 121]),
            WavError::TooLong {
                seconds: 121,
                limit: 120,
            },
            "提示音“greeting”：时长 121 秒，最长 120 秒",
            "prompt \"greeting\": it lasts 121 s, at most 120 s are allowed",
        ),
        (
            vec![0; wav::MAX_BYTES + 1],
            WavError::TooLarge(wav::MAX_BYTES + 1),
            "提示音“greeting”：文件有 16777217 字节，最多 16777216 字节",
            "prompt \"greeting\": the file has 16777217 bytes, at most 16777216 are allowed",
        ),
    ];
    for (file, error, zh, en) in table {
        let got = set.replace("greeting", &file).unwrap_err();
        assert_eq!(
            got,
            PromptError::Wav {
                name: "greeting",
                error
            }
        );
        assert_eq!(
            (got.message_zh().as_str(), got.message_en().as_str()),
            (zh, en)
        );
        assert_eq!(
            *set.encoded(PromptId::Greeting, Codec::Pcma),
            greeting,
            "the old one stays"
        );
    }
    let unknown = set
        .replace("greetings", &wav::write(&[1; 800]))
        .unwrap_err();
    assert!(
        unknown
            .message_zh()
            .starts_with("没有名为“greetings”的提示音，可用的名称：greeting、position_before、")
    );
    assert!(
        unknown
            .message_en()
            .starts_with("no prompt is named \"greetings\"; the names are: greeting, ")
    );

    let own: Vec<i16> = tone::Sine::new(700.0, 9000).take(12_345).collect();
    set.replace("greeting", &wav::write(&own)).unwrap();
    let encoded = set.encoded(PromptId::Greeting, Codec::Pcmu);
    assert_eq!(encoded.len(), 12_480);
    let decoded: Vec<i16> = encoded
        .iter()
        .map(|&b| g711::decode(Codec::Pcmu, b))
        .collect();
    assert!(tone::amplitude_at(&decoded[..12_345], 700.0) > 8500.0);
    // A long music is allowed where a long speech is not.
    set.replace("music", &wav::write(&vec![0; 8000 * 121]))
        .unwrap();
}

#[test]
fn chunks_in_other_orders_and_extensible_headers_are_read() {
    let plain = wav::write(&[1, -2, 3]);
    // An odd chunk with its padding before the audio.
    let mut file = plain[..36].to_vec();
    file.extend(b"LIST\x03\x00\x00\x00abc\x00");
    file.extend(&plain[36..]);
    assert_eq!(wav::parse(&file).unwrap(), [1, -2, 3]);
    // WAVE_FORMAT_EXTENSIBLE with the PCM tag inside.
    let mut file = plain[..16].to_vec();
    file.extend(40u32.to_le_bytes());
    file.extend([0xfe, 0xff]);
    file.extend(&plain[22..36]);
    file.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
    file.extend([0; 14]);
    file.extend(&plain[36..]);
    assert_eq!(wav::parse(&file).unwrap(), [1, -2, 3]);
}
