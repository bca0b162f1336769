//! scratch

use crate::desk::{Desk, Party};
use meishier_tests::peers::browser::Browser;
use meishier_tests::plan::Plan;

const KEYS: &str = r#"
[[transfer.keys]]
name = "110"
title = "公安报警"
kind = "emergency"
trunk = "trunk"
manner = ["warm", "consult", "quiet"]
ring = "20s"
limit = "20s"

[[transfer.keys]]
name = "120"
title = "急救"
kind = "emergency"
trunk = "trunk"
ring = "5s"
limit = "5s"

[[transfer.keys]]
name = "12345"
title = "政务热线"
kind = "hotline"
trunk = "trunk"
"#;

fn shot(browser: &Browser, name: &str) {
    std::fs::write(format!("/tmp/shots/{name}.b64"), browser.picture()).unwrap();
}

#[test]
fn explore() {
    let browser = Browser::start();
    let police = Party::new('P');
    let mut plan = Plan::default();
    plan.trunk = format!("to = [\"{}\"]\n", police.address());
    plan.add_tables(KEYS);
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("k.key"), [7u8; 32]).unwrap();
    if std::env::var("REC").is_ok() {
        plan.add_tables(&format!(
            "[recording]\nfolder = {:?}\nkey_files = [{:?}]\nconsent = \"announced\"\n",
            folder.path().join("r"),
            folder.path().join("k.key")
        ));
    }
    let mut desk = Desk::talking(plan);
    let mut police = police.towards(&desk.engine);
    let lang = std::env::var("L").unwrap_or("zh".into());
    browser.open(desk.engine.http(), &format!("/desk?lang={lang}&seat=s0000"));
    desk.until("call", |_| {
        browser.run("return !document.getElementById('key-110')?.disabled") == true
    });
    shot(&browser, &format!("{lang}-1"));
    browser.type_into("#place", "贵阳");
    browser.type_into("#fact-why", "站在楼顶边缘，说“我要跳了”");
    browser.click("#fact-level .acting");
    browser.type_into("#fact-battery", "300");
    browser.click("#fact-hazards .height");
    browser.type_into("#fact-callback", "abc");
    desk.until("saved", |_| !browser.text("#fault-callback").is_empty());
    shot(&browser, &format!("{lang}-2"));
    browser.press_alt("1");
    police.answer();
    desk.until_thirds(&["joined"]);
    desk.until("page", |_| browser.text("#thirds").len() > 10);
    shot(&browser, &format!("{lang}-3"));
    browser.run("document.getElementById('place').value='';");
    browser.type_into("#place", "东");
    browser.click("#key-120");
    desk.until("alarm", |_| !browser.text("#alarms").is_empty());
    shot(&browser, &format!("{lang}-4"));
    browser.post_rect(420, 900);
    desk.until("rect", |_| browser.run("return innerWidth < 520") == true);
    shot(&browser, &format!("{lang}-5"));
    browser.run("document.getElementById('facts').scrollIntoView()");
    shot(&browser, &format!("{lang}-6"));
    drop(desk);
    browser.post_rect(1280, 1000);
    browser.until(
        "lost",
        "return document.getElementById('link').innerText !== ''",
    );
    shot(&browser, &format!("{lang}-7"));
}
