//! Chromium without a window, driven through chromedriver (W3C WebDriver: JSON over HTTP).

use super::{Peer, free_port, moment};
use crate::http;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for what a page should do at once; only a broken page reaches it.
const LIMIT: Duration = Duration::from_secs(90);
/// What WebDriver calls the key that element references stand under (§12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The key Alt, as WebDriver writes it (§17.4.2).
const ALT: &str = "\u{e00a}";

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    driver: Peer,
    session: String,
    /// What it keeps of its user, who has never been anywhere. Last: it goes when nobody writes there.
    _folder: TempDir,
}

impl Browser {
    /// Starts it with an empty page.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("temporary folder: {error}"));
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.args([format!("--port={port}"), "--log-level=SEVERE".to_owned()]);
        let driver = Peer::spawn("chromedriver", command, folder.path(), port);
        driver.await_port("tcp");
        let user = folder.path().join("user");
        let options = json!({ "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1280,1000",
            format!("--user-data-dir={}", user.display()),
        ]});
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let mut browser = Self {
            driver,
            session: String::new(),
            _folder: folder,
        };
        let wish = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = browser.ask("POST", "/session", &wish);
        let made = made.unwrap_or_else(|error| panic!("no browser: {error}"));
        browser.session = made["sessionId"].as_str().unwrap_or_default().to_owned();
        browser
    }

    /// Asks the driver; the error is its word for it (§6.6).
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let answer = http::ask_within(LIMIT, self.driver.address(), method, path, &body);
        let answer =
            answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.driver.output()));
        let value = answer.json()["value"].clone();
        match answer.status {
            200 => Ok(value),
            _ => Err(format!("{}: {}", value["error"], value["message"])),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    /// Opens a page.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn open(&self, at: SocketAddr, path: &str) {
        let opened = self.post("url", &json!({ "url": format!("http://{at}{path}") }));
        opened.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// What these lines of script come to in the page.
    ///
    /// # Panics
    /// If they fail.
    pub fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        let value = self.post("execute/sync", &body);
        value.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The text that a person sees in the first element of this selector; empty if there is none.
    pub fn text(&self, selector: &str) -> String {
        let found = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        self.run(&found).as_str().unwrap_or_default().to_owned()
    }

    /// What stands in the field of this selector.
    pub fn value(&self, selector: &str) -> String {
        let found = format!("return document.querySelector({selector:?})?.value ?? ''");
        self.run(&found).as_str().unwrap_or_default().to_owned()
    }

    /// The element as WebDriver names it, and what is done to it, again until it can be done: pages
    /// redraw, and what lies under something else cannot be clicked.
    fn deed(&self, selector: &str, what: &str, body: &Value) {
        let start = Instant::now();
        let using = json!({ "using": "css selector", "value": selector });
        loop {
            let done = self.post("element", &using).and_then(|found| {
                let element = found[ELEMENT].as_str().unwrap_or_default();
                self.post(&format!("element/{element}/{what}"), body)
            });
            match done {
                Ok(_) => return,
                Err(error) => assert!(start.elapsed() < LIMIT, "{what} {selector}: {error}"),
            }
            moment();
        }
    }

    /// Clicks on it, as soon as it is there and nothing covers it.
    ///
    /// # Panics
    /// If that does not come.
    pub fn click(&self, selector: &str) {
        self.deed(selector, "click", &json!({}));
    }

    /// Types into it.
    ///
    /// # Panics
    /// If it does not come.
    pub fn type_into(&self, selector: &str, text: &str) {
        self.deed(selector, "value", &json!({ "text": text }));
    }

    /// Presses Alt and this key, wherever the focus is.
    ///
    /// # Panics
    /// If the browser does not take it.
    pub fn press_alt(&self, key: &str) {
        let step = |kind: &str, value: &str| json!({ "type": kind, "value": value });
        let steps = [
            step("keyDown", ALT),
            step("keyDown", key),
            step("keyUp", key),
            step("keyUp", ALT),
        ];
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": steps });
        let pressed = self.post("actions", &json!({ "actions": [keyboard] }));
        pressed.unwrap_or_else(|error| panic!("Alt+{key}: {error}"));
    }

    /// Waits until these lines of script come to true.
    ///
    /// # Panics
    /// If that does not come; what the page shows is part of the message.
    pub fn until(&self, what: &str, script: &str) {
        let start = Instant::now();
        while self.run(script) != true {
            let in_time = start.elapsed() < LIMIT;
            assert!(in_time, "{what}: the page shows\n{}", self.text("body"));
            moment();
        }
    }

    /// What the page's scripts stumbled over, and what its policy kept from being done.
    ///
    /// # Panics
    /// If the browser does not say.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let log = log.unwrap_or_else(|error| panic!("{error}"));
        let lines = log.as_array().into_iter().flatten();
        let lines = lines.filter_map(|it| it["message"].as_str());
        let grave = |it: &&str| it.contains("Uncaught") || it.contains("Content Security Policy");
        lines.filter(grave).map(str::to_owned).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        // In order; what is left of it dies with the driver's group.
        let _ = http::ask(self.driver.address(), "DELETE", &path, "");
    }
}
