"use strict";
// The desk: asks the API every second, shows what it says, and presses keys. Text goes in as text, never
// as markup. One script of these parts: base, facts, keys, thirds, call, alarms, look.

/** Longest wait for an answer to a question, and to a deed, in ms. */
const PATIENCE = 3000;
const DEED_PATIENCE = 10000;

const words = JSON.parse(document.getElementById("words").textContent);
const lang = document.documentElement.lang === "en" ? "en" : "zh";
const query = new URLSearchParams(location.search);
const state = {
  token: sessionStorage.getItem("token") || "",
  account: "",
  keys: [],
  call: null,
  /** Cities that a press asked for, by call and third party. */
  asks: new Map(),
  /** What was said of a place that is asked for, and which third party it is about. */
  asking: null,
  /** Keys whose press is on its way. */
  pressing: new Set(),
  /** The caller's number in full, if somebody asked for it, and in which call. */
  revealed: null,
  /** What to say when it is called back, and in which call. */
  careful: null,
  /** What each part of the page shows. */
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
  if (held && at(held) && document.activeElement !== at(held)) {
    at(held).focus();
  }
}

/** Writes a text only if it is another, so that nothing is read out twice. */
function write(id, text) {
  if (at(id).textContent !== text) {
    at(id).textContent = text;
  }
}

function say(text, refused) {
  write("said", text);
  at("said").className = refused ? "refused" : "";
}

/** The engine says no. Any other error means that no answer came. */
class Refused extends Error {
  constructor(status, error) {
    super(error.message || String(status));
    this.status = status;
    this.code = error.code;
    this.candidates = error.candidates || [];
    this.fields = error.fields || [];
  }
}

async function api(method, path, body, more) {
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
  const signal = AbortSignal.timeout(method === "GET" ? PATIENCE : DEED_PATIENCE);
  const answer = await fetch(address, { method, headers, body: sent, signal, ...more });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : null;
  if (!answer.ok) {
    if (answer.status === 401) {
      at("login").hidden = false;
    }
    throw new Refused(answer.status, (json && json.error) || {});
  }
  return json;
}

/** What to say of a deed that went wrong. */
function trouble(error) {
  return error instanceof Refused ? error.message : w("unanswered");
}

/** Asks for something to be done and says what came of it; gives the error, if there was one. */
async function act(path, body, done) {
  let failed = null;
  try {
    const answer = await api("POST", path, body);
    say(done ? done(answer) : w("done"));
  } catch (error) {
    failed = error;
    say(trouble(error), true);
  }
  await look();
  return failed;
}
