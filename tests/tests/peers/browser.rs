//! The counsellor's desk as a person has it: in Chromium, with a caller in conversation and a key that
//! is pressed.

use crate::desk::{Desk, Party};
use meishier_tests::peers::browser::Browser;
use meishier_tests::plan::Plan;
use meishier_tests::process;
use serde_json::{Value, json};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use tempfile::TempDir;

/// A key for police.
const POLICE: &str = "[[transfer.keys]]\nname = \"110\"\ntitle = \"police\"\nkind = \"emergency\"\n\
                      trunk = \"trunk\"\nring = \"30s\"\nlimit = \"30s\"\n";
/// True of a desk at which a key can be pressed.
const READY: &str = "return document.querySelector('#key-110:enabled') !== null";
/// True of a desk that has saved all that was typed.
const SAVED: &str = "return document.getElementById('facts-state').innerText.startsWith('saved')";

/// A plan whose trunk leads to this party, with a key for police.
fn leading_to(police: &Party) -> Plan {
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"{}\"]\n", police.address());
    plan.add_tables(POLICE);
    plan
}

/// `[recording]` of every caller who was told, in this folder.
fn recording(folder: &Path) -> String {
    let key = folder.join("one.key");
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(&key);
    std::io::Write::write_all(&mut file.unwrap(), "07".repeat(32).as_bytes()).unwrap();
    let tapes = folder.join("tapes");
    format!("[recording]\nfolder = {tapes:?}\nkey_files = [{key:?}]\nconsent = \"announced\"\n")
}

/// Opens the desk of the only seat and waits until a key can be pressed.
fn open(browser: &Browser, desk: &mut Desk) {
    browser.open(desk.engine.http(), "/desk?lang=en&seat=s0000");
    desk.until("a call at the desk", |_| browser.run(READY) == true);
}

/// What the engine has of what was written down.
fn facts(desk: &Desk) -> Value {
    let call = desk.call();
    let path = format!("/api/v1/calls/{}/facts", call["id"].as_str().unwrap());
    desk.engine.get(&path).json()
}

/// Types while the engine stands still; the page says at once that it does, and saves when it goes on.
fn type_without_an_engine(browser: &Browser, desk: &mut Desk, field: &str, words: &str) {
    process::hold(desk.engine.pid(), true);
    let lost = "return document.getElementById('link').innerText.includes('No connection')";
    browser.until("the lost connection", lost);
    browser.type_into(field, words);
    process::hold(desk.engine.pid(), false);
    let found = "return document.getElementById('link').innerText === ''";
    browser.until("the connection again", found);
    desk.until("words saved", |_| browser.run(SAVED) == true);
}

#[test]
fn a_counsellor_writes_down_the_facts_presses_110_and_sees_the_police_join() {
    let browser = Browser::start();
    let (police, tapes) = (Party::new('P'), TempDir::new().unwrap());
    let mut plan = leading_to(&police);
    plan.add_tables(&recording(tapes.path()));
    let mut desk = Desk::talking(plan);
    let mut police = police.towards(&desk.engine);
    open(&browser, &mut desk);

    browser.type_into("#place", "贵阳");
    browser.click("#fact-level .acting input");
    browser.click("#fact-hazards .height input");
    browser.type_into("#fact-why", "stands at the edge");
    browser.type_into("#fact-battery", "300");
    let refused = |browser: &Browser| browser.text("#fault-battery");
    desk.until("a refusal", |_| refused(&browser) == "battery is 0 to 100");
    assert_eq!(facts(&desk)["why"], "stands at the edge");
    assert_eq!(facts(&desk)["battery"], Value::Null);
    browser.run("document.getElementById('fact-battery').value = ''");
    browser.type_into("#fact-battery", "15");
    desk.until("no refusal", |_| refused(&browser).is_empty());
    type_without_an_engine(&browser, &mut desk, "#fact-clothing", "a red coat");

    // Whoever opens the page next goes on where it was left.
    open(&browser, &mut desk);
    desk.until("what was written", |_| {
        browser.value("#fact-clothing") == "a red coat"
    });
    assert_eq!(browser.value("#fact-battery"), "15");
    assert_eq!(browser.value("#place"), "贵阳");
    browser.type_into("#fact-person", "a man of about 30");
    desk.until("words saved", |_| browser.run(SAVED) == true);
    let written = facts(&desk);
    assert_eq!(written["clothing"], "a red coat", "{written}");
    assert_eq!(written["level"], "acting", "{written}");
    assert_eq!(written["hazards"], json!(["height"]), "{written}");
    assert_eq!(written["person"], "a man of about 30", "{written}");

    let tape = |browser: &Browser| browser.text("#recording-state");
    desk.until("a recording", |_| tape(&browser) == "being recorded");
    browser.click("#record");
    desk.until("no recording", |_| tape(&browser) == "recording stopped");
    assert_eq!(desk.call()["recording"], "paused");

    browser.press_alt("1");
    assert_eq!(police.answer().called_user(), "0851110");
    let third = |browser: &Browser| browser.text("#third-1-row .state");
    desk.until("police at the desk", |_| {
        third(&browser) == "in the conversation"
    });
    browser.click("#third-1-confirm");
    desk.until("police who take over", |_| {
        third(&browser) == "has taken over"
    });
    browser.click("#leave");
    desk.counsellor.is_hung_up();
    desk.caller.hang_up();
    police.is_hung_up();
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let record = desk.over();
    assert_eq!(record["transfers"][0]["outcome"], "joined", "{record}");
}

#[test]
fn a_key_that_reaches_nobody_stands_at_the_desk_with_its_number_until_somebody_has_seen_it() {
    let browser = Browser::start();
    // Nobody is at the end of this trunk any more.
    let plan = leading_to(&Party::new('P'));
    let mut desk = Desk::talking(plan);
    open(&browser, &mut desk);
    browser.type_into("#place", "贵阳");
    browser.click("#key-110");
    let number = |browser: &Browser| browser.text("#alarms .number");
    desk.until("an alarm", |_| number(&browser) == "0851110");
    assert_eq!(
        browser.run("return document.title"),
        "‼ dial 0851110 by hand"
    );

    // It outlives its call, an engine that stands still, and the page that is loaded again.
    desk.hang_up();
    let over = "return document.getElementById('alarms').innerText.includes('(over)')";
    browser.until("the alarm of a call that is over", over);
    process::hold(desk.engine.pid(), true);
    browser.until(
        "the lost connection",
        "return document.getElementById('link').innerText !== ''",
    );
    assert_eq!(number(&browser), "0851110");
    process::hold(desk.engine.pid(), false);
    browser.until(
        "the connection again",
        "return document.getElementById('link').innerText === ''",
    );
    browser.open(desk.engine.http(), "/desk?lang=en&seat=s0000");
    browser.until("the alarm again", over);

    browser.click("#alarms button:enabled");
    browser.until(
        "no alarm",
        "return document.getElementById('alarms').innerText === ''",
    );
    assert_eq!(desk.engine.get("/api/v1/calls").json()["alarms"], json!([]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    crate::stage::alarmed(&desk.engine);
}

/// Words that would be markup, in the quotes of TOML and JSON as well.
const HOSTILE: &str = "</script><img src=x onerror=hostile=1><script>hostile=1</script>";

#[test]
fn hostile_words_stay_words_at_the_desk() {
    let browser = Browser::start();
    let mut plan = Plan::default();
    plan.trunk = "to = [\"127.0.0.1:9\"]\n".to_owned();
    plan.add_tables(&POLICE.replace("\"police\"", &format!("\"{HOSTILE}\"")));
    let mut desk = Desk::talking_to(plan, "%3Cimg%20src=x%20onerror=hostile=1%3E");
    open(&browser, &mut desk);
    browser.type_into("#fact-place", HOSTILE);
    browser.type_into("#fact-why", HOSTILE);
    browser.type_into("#place", HOSTILE);
    desk.until("words saved", |_| browser.run(SAVED) == true);
    assert_eq!(facts(&desk)["place"], HOSTILE);
    open(&browser, &mut desk);
    desk.until("the words again", |_| {
        browser.value("#fact-place") == HOSTILE
    });
    assert_eq!(browser.value("#fact-why"), HOSTILE);
    assert_eq!(browser.value("#place"), HOSTILE);
    browser.run("document.getElementById('place').value = ''");
    browser.type_into("#place", "贵阳");
    browser.click("#key-110");
    desk.until("an alarm", |_| browser.text("#alarms").contains(HOSTILE));
    assert!(browser.text("#key-110").contains(HOSTILE));
    browser.click("#supervisor");
    desk.until("all calls", |_| !browser.text("#all table").is_empty());
    let strange = "return document.querySelectorAll('img, body script:not(#words)').length";
    assert_eq!(browser.run(strange), 0);
    assert_eq!(browser.run("return typeof hostile"), "undefined");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    desk.hang_up();
    crate::stage::alarmed(&desk.engine);
}
