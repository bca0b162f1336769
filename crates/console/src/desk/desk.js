"use strict";
// The desk: asks the API every second, shows what it says, and presses keys. Text goes in as text, never
// as markup.

const words = JSON.parse(document.getElementById("words").textContent);
const lang = document.documentElement.lang === "en" ? "en" : "zh";
const query = new URLSearchParams(location.search);
const state = {
  token: sessionStorage.getItem("token") || "",
  account: "",
  keys: [],
  seats: [],
  call: null,
  /** Cities that a press asked for, by call and third party. */
  asks: new Map(),
  /** The caller's number in full, if somebody asked for it, and in which call. */
  revealed: null,
  shown: new Map(),
};
const at = (id) => document.getElementById(id);

function w(id, ...values) {
  const text = words[id] || id;
  return text.replace(/\{(\d)\}/g, (_, n) => values[Number(n)] ?? "");
}

/** A word that belongs to a value of the API; a value of a later engine is shown as it is. */
function named(kind, value) {
  return words[kind + "_" + value] || value;
}

function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in made) {
      made[name] = value;
    } else {
      made.setAttribute(name, value);
    }
  }
  made.append(...children);
  return made;
}

function button(id, text, press, more) {
  return element("button", { id, type: "button", onclick: press, ...more }, text);
}

/** Shows a part anew only if what it shows has changed, so that nobody loses the focus. */
function show(id, model, build) {
  const print = JSON.stringify(model);
  if (state.shown.get(id) === print) {
    return;
  }
  state.shown.set(id, print);
  const held = document.activeElement && document.activeElement.id;
  at(id).replaceChildren(...build());
  if (held && at(held)) {
    at(held).focus();
  }
}

function say(text, refused) {
  at("said").textContent = text;
  at("said").className = refused ? "refused" : "";
}

class Refused extends Error {
  constructor(status, error) {
    super(error.message || String(status));
    this.status = status;
    this.code = error.code;
    this.candidates = error.candidates || [];
  }
}

async function api(method, path, body) {
  const headers = {};
  if (state.token) {
    headers.Authorization = "Bearer " + state.token;
  }
  // A header holds nothing else.
  if (/^[!-~]+$/.test(state.account)) {
    headers["X-Meishier-Account"] = state.account;
  }
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const address = "/api/v1" + path + (path.includes("?") ? "&" : "?") + "lang=" + lang;
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(address, { method, headers, body: sent });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : null;
  if (!answer.ok) {
    at("login").hidden = answer.status !== 401;
    throw new Refused(answer.status, (json && json.error) || {});
  }
  return json;
}

/** Asks for something to be done and says what came of it. */
async function act(path, body, done) {
  try {
    const answer = await api("POST", path, body);
    say(done ? done(answer) : w("done"));
  } catch (error) {
    say(error.message, true);
  }
  await look();
}

// --- the keys ---

let settling = 0;

/** What the place would be taken for, before anything is pressed. */
async function settle() {
  const place = at("place").value.trim();
  const turn = ++settling;
  const key = state.keys.find((it) => it.by_place);
  if (!place || !key) {
    at("settled").replaceChildren();
    return;
  }
  let found;
  try {
    // In the body: addresses stand in logs and histories.
    const target = await api("POST", "/keys/" + encodeURIComponent(key.name) + "/target", { place });
    found = [w("settled", target.dialled, target.city)];
  } catch (error) {
    const choices = error.candidates || [];
    found = [choices.length ? w("several") : error.message];
    for (const city of choices) {
      found.push(" ", button("", city, () => choose(city)));
    }
  }
  // A later answer may have come first.
  if (turn === settling) {
    at("settled").replaceChildren(...found);
  }
}

function choose(city) {
  at("place").value = city;
  at("place").focus();
  settle();
}

function press(key) {
  const call = state.call;
  if (!call) {
    return;
  }
  const body = { key: key.name, place: at("place").value.trim() };
  const manner = at("manner-" + key.name);
  if (manner && manner.value !== key.manners[0]) {
    body.manner = manner.value;
  }
  act("/calls/" + call.id + "/transfer", body, (started) => {
    if (started.asks) {
      state.asks.set(call.id + "/" + started.third, started.asks.cities);
      return w("asks", Math.ceil(started.asks.within_ms / 1000));
    }
    return w("pressed", key.title, started.dialled);
  });
}

/** Emergencies first, each in the order of the configuration. */
function ordered(keys) {
  return [...keys.filter((it) => it.emergency), ...keys.filter((it) => !it.emergency)];
}

function showKeys() {
  const ready = Boolean(state.call) && ["talking", "transferring"].includes(state.call.phase);
  show("keys", [state.keys, ready], () => ordered(state.keys).map((key, index) => {
    const shortcut = index < 9 ? "Alt+" + (index + 1) : "";
    const more = { disabled: !ready, className: key.emergency ? "emergency" : "", title: shortcut };
    if (shortcut) {
      more["aria-keyshortcuts"] = shortcut;
    }
    const made = [button("key-" + key.name, key.title + " " + key.name, () => press(key), more)];
    if (key.manners.length > 1) {
      const options = key.manners.map((it) => element("option", { value: it }, named("manner", it)));
      const label = w("manner") + " " + key.title;
      made.push(element("select", { id: "manner-" + key.name, "aria-label": label }, ...options));
    }
    return element("div", {}, ...made);
  }));
}

// --- third parties ---

const MODES = {
  target: ["full", "back", "aside", "held"],
  second_line: ["full", "desk", "aside", "listen", "whisper", "held"],
  supervisor: ["listen", "whisper", "full", "desk", "held"],
};

function titleOf(name) {
  const key = state.keys.find((it) => it.name === name);
  return key ? key.title + " " + key.name : name;
}

/** What it is, and the key that called it; a supervisor may come without a key. */
function nameOf(third) {
  const known = state.keys.some((it) => it.name === third.key);
  return named("role", third.role) + (known ? " " + titleOf(third.key) : "");
}

/** Only hears, or whispers: nobody's help by itself. */
function standsBy(third) {
  return third.role === "supervisor" && third.mode !== "full";
}

function wish(call, third, body) {
  return () => act("/calls/" + call.id + "/thirds/" + third.third, body);
}

function thirdRow(call, third) {
  const id = "third-" + third.third + "-";
  const row = [
    element("strong", {}, nameOf(third)),
    element("span", {}, third.dialled),
    element("span", {}, named("state", third.state)),
  ];
  if (third.state === "asking") {
    for (const city of state.asks.get(call.id + "/" + third.third) || []) {
      row.push(button(id + city, city, wish(call, third, { wish: "settle", city })));
    }
  }
  if (third.state === "apart") {
    row.push(button(id + "join", w("join"), wish(call, third, { wish: "join" })));
  }
  if (third.state === "joined" && !standsBy(third)) {
    row.push(button(id + "confirm", w("confirm"), wish(call, third, { wish: "confirm" })));
  }
  if (["asking", "dialling", "briefing", "apart"].includes(third.state)) {
    row.push(button(id + "cancel", w("cancel"), wish(call, third, { wish: "cancel" })));
  }
  if (["apart", "joined", "confirmed"].includes(third.state)) {
    const modes = MODES[third.role] || ["full", "held"];
    const all = modes.includes(third.mode) ? modes : [third.mode, ...modes];
    const change = (event) => {
      const path = "/calls/" + call.id + "/parties/" + third.third + "/mode";
      act(path, { mode: event.target.value });
    };
    const options = all.map((it) => {
      return element("option", { value: it, selected: it === third.mode }, named("mode", it));
    });
    const more = { id: id + "mode", "aria-label": w("mode"), onchange: change };
    row.push(element("select", more, ...options));
  }
  return element("li", {}, ...row);
}

function isEmergency(third) {
  return state.keys.some((it) => it.name === third.key && it.emergency);
}

function showThirds(call) {
  const thirds = call ? call.thirds : [];
  show("thirds", [thirds, state.keys, [...state.asks]], () => thirds.map((it) => thirdRow(call, it)));
  show("leaving", [call && call.id, thirds], () => {
    if (!thirds.length) {
      return [];
    }
    const over = thirds.find((it) => {
      const over = it.state === "confirmed" || (it.state === "joined" && !isEmergency(it));
      return over && !standsBy(it);
    });
    const why = over ? w("leave_now", nameOf(over)) : w("leave_not_yet");
    const leave = () => act("/calls/" + call.id + "/leave");
    return [
      button("leave", w("leave"), leave, { "aria-describedby": "leave-why" }),
      " ",
      element("span", { id: "leave-why" }, why),
    ];
  });
}

// --- the call, alarms, all calls ---

function callLine(call) {
  const parts = [
    w("caller") + " " + (call.caller || w("withheld")),
    named("phase", call.phase),
    Math.floor(call.age_ms / 60000) + ":" + String(Math.floor(call.age_ms / 1000) % 60).padStart(2, "0"),
  ];
  return parts.join(" · ");
}

function showCall(call) {
  const none = at("seat").value ? w("no_call") : w("choose_seat");
  show("call", call ? call.id : none, () => {
    if (!call) {
      return [element("p", {}, none)];
    }
    const risk = () => act("/calls/" + call.id + "/risk", undefined, () => w("risk_done"));
    return [element("p", { id: "line" }), button("risk", w("risk"), risk)];
  });
  if (call) {
    // Apart from the button, which nobody is to lose under the finger.
    at("line").textContent = callLine(call);
  }
  showGone(call);
}

/** Who is to call back needs the number in full: for a reason, which is written down. */
async function reveal(call) {
  const reason = at("reveal-reason").value.trim();
  try {
    const found = await api("POST", "/calls/" + call.id + "/reveal", { reason });
    state.revealed = { call: call.id, number: found.caller };
    showGone(call);
  } catch (error) {
    say(error.message, true);
  }
}

function showGone(call) {
  const gone = Boolean(call) && call.caller_gone;
  if (!gone || (state.revealed && state.revealed.call !== call.id)) {
    state.revealed = null;
  }
  const number = state.revealed && state.revealed.number;
  show("gone", gone ? [call.id, number] : [], () => {
    if (!gone) {
      return [];
    }
    const text = w("caller_gone", number || call.caller || w("withheld"), call.id);
    if (number) {
      return [text];
    }
    const label = { id: "reveal-reason", maxLength: 200, placeholder: w("reveal_reason") };
    const reason = element("input", { ...label, "aria-label": w("reveal_reason") });
    return [text, " ", reason, button("reveal", w("reveal"), () => reveal(call))];
  });
}

function showAlarms(calls) {
  const model = calls.map((it) => [it.id, it.seat, it.alarms]);
  show("alarms", model, () => calls.map((call) => {
    const lines = call.alarms.map((it) => {
      return element("p", {}, w(it.number ? "alarm" : "alarm_alone", titleOf(it.key), it.number));
    });
    const thirds = call.alarms.map((it) => it.third);
    const seen = () => act("/calls/" + call.id + "/alarms/seen", { thirds });
    const where = element("span", {}, w("alarm_call", call.id, call.seat || ""));
    return element("div", {}, ...lines, where, button("seen-" + call.id, w("alarm_seen"), seen));
  }));
  if (calls.length) {
    beep();
  }
}

let sound = null;

/** Two short tones; a browser that was not clicked into yet stays silent, and the alarm stands there. */
function beep() {
  try {
    sound = sound || new AudioContext();
    for (const delay of [0, 0.3]) {
      const tone = sound.createOscillator();
      tone.frequency.value = 880;
      tone.connect(sound.destination);
      tone.start(sound.currentTime + delay);
      tone.stop(sound.currentTime + delay + 0.2);
    }
  } catch (_) {
    sound = null;
  }
}

/** Calls the supervisor's own telephone in or, if it is there already, changes how it takes part. */
function supervise(call, mode) {
  const seat = at("seat").value;
  if (!seat) {
    say(w("choose_seat"), true);
    return;
  }
  const there = call.thirds.find((it) => it.role === "supervisor" && it.dialled === seat);
  if (there) {
    act("/calls/" + call.id + "/parties/" + there.third + "/mode", { mode });
  } else {
    act("/calls/" + call.id + "/supervise", { seat, mode }, () => w("called_in", seat));
  }
}

function superviseButtons(call) {
  const modes = [["listen", "listen"], ["whisper", "whisper"], ["full", "barge"]];
  const ready = ["talking", "transferring"].includes(call.phase);
  return modes.map(([mode, word]) => {
    const id = "supervise-" + call.id + "-" + mode;
    return button(id, w(word), () => supervise(call, mode), { disabled: !ready });
  });
}

function showAll(calls) {
  // Ages change every second; the buttons stay as long as nothing else does.
  const model = calls.map((it) => [it.id, it.phase, it.seat, it.counsellor, it.thirds]);
  show("all", model, () => {
    if (!calls.length) {
      return [element("p", {}, w("no_calls"))];
    }
    const heads = [w("caller"), w("seat"), w("counsellor"), w("thirds"), w("supervise")];
    const head = element("tr", {}, ...heads.map((it) => element("th", { scope: "col" }, it)));
    const rows = calls.map((call) => {
      const thirds = call.thirds.map((it) => {
        return nameOf(it) + " " + it.dialled + " " + named("state", it.state);
      });
      const line = (call.caller || w("withheld")) + " · " + named("phase", call.phase);
      const cells = [line, call.seat || "", call.counsellor || "", thirds.join("; ")];
      const row = cells.map((it) => element("td", {}, it));
      return element("tr", {}, ...row, element("td", {}, ...superviseButtons(call)));
    });
    return [element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))];
  });
}

// --- once a second ---

function showSeats(seats) {
  show("seat", seats.map((it) => it.name), () => {
    const wanted = at("seat").value || query.get("seat") || "";
    const none = element("option", { value: "" }, w("choose_seat"));
    const options = seats.map((it) => {
      return element("option", { value: it.name, selected: it.name === wanted }, it.name);
    });
    return [none, ...options];
  });
}

async function look() {
  try {
    if (!state.keys.length) {
      state.keys = (await api("GET", "/keys")).keys;
    }
    const [{ seats }, { calls }] = await Promise.all([api("GET", "/seats"), api("GET", "/calls")]);
    showSeats(seats);
    const name = at("seat").value;
    const seat = seats.find((it) => it.name === name);
    state.account = (seat && seat.counsellor) || "";
    const call = (name && calls.find((it) => it.seat === name)) || null;
    if ((state.call && state.call.id) !== (call && call.id)) {
      // The place of another call is nobody's.
      at("place").value = "";
      settle();
    }
    state.call = call;
    const supervises = at("supervisor").checked;
    at("desk").hidden = supervises;
    at("all").hidden = !supervises;
    const loud = calls.filter((it) => it.alarms.length && (supervises || it === call));
    showAlarms(loud);
    showCall(call);
    showKeys();
    showThirds(call);
    if (supervises) {
      showAll(calls);
    }
    at("login").hidden = true;
    if (at("said").textContent === w("lost")) {
      say("");
    }
  } catch (error) {
    say(error instanceof Refused ? error.message : w("lost"), true);
  }
}

function begin() {
  at("supervisor").checked = query.get("view") === "supervisor";
  at("supervisor").onchange = () => look();
  at("seat").onchange = () => {
    query.set("seat", at("seat").value);
    history.replaceState(null, "", "?" + query);
    look();
  };
  at("login").onsubmit = (event) => {
    event.preventDefault();
    state.token = at("token").value;
    sessionStorage.setItem("token", state.token);
    look();
  };
  let waiting = 0;
  at("place").oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(settle, 250);
  };
  document.addEventListener("keydown", (event) => {
    const digit = event.altKey && /^Digit[1-9]$/.test(event.code) ? Number(event.code.slice(5)) : 0;
    const key = digit && ordered(state.keys)[digit - 1];
    if (key && !at("supervisor").checked && !at("key-" + key.name).disabled) {
      event.preventDefault();
      press(key);
    }
  });
  const again = async () => {
    await look();
    setTimeout(again, 1000);
  };
  again();
}

begin();
