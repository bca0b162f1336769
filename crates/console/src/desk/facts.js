
// --- what only the counsellor knows ---
//
//   typed ──► dirty, kept in this tab ──► sent ──► saved
//                 ▲                         │ a field is refused: the others are sent without it
//                 └── no answer: again ─────┘
//
// The form is made once and never drawn anew. What was written before this page was opened is fetched
// first, for what is sent takes the place of all of it.

const FACTS = [
  ["level", "choice", ["low", "medium", "high", "acting"]],
  ["why", "text"],
  ["place", "text"],
  ["district", "line"],
  ["hazards", "marks", ["height", "blade", "poison", "gas", "water", "fire", "rope", "traffic", "violence", "others"]],
  ["safety", "list"],
  ["person", "line"],
  ["clothing", "line"],
  ["appearance", "line"],
  ["battery", "percent"],
  ["callback", "number"],
  ["call_back", "consent"],
  ["done", "list"],
  ["note", "text"],
];
/** Words are sent when nobody has typed for so long, or has typed for so long without a pause, in ms. */
const PAUSE = 800;
const LONGEST_PAUSE = 4000;

const facts = {
  call: null,
  /** What the engine has; none until it was fetched. */
  saved: null,
  dirty: new Set(),
  busy: false,
  /** Moments: the first and the last word that was not sent, and the last sending. */
  first: 0,
  edited: 0,
  sent: 0,
  /** Somebody left the field, or waits: no pause is waited for. */
  urgent: false,
  /** How often it was sent since a key was pressed. */
  sends: 0,
};

function choices(name, kind, values) {
  const type = kind === "choice" ? "radio" : "checkbox";
  const all = kind === "choice" ? ["", ...values] : values;
  const made = all.map((value) => {
    const input = element("input", { type, name: "fact-" + name, value, defaultChecked: !value });
    return element("label", { className: value }, input, value ? named(name, value) : w("level_none"));
  });
  const legend = element("legend", {}, named("fact", name));
  const box = { id: "fact-" + name, className: "wide", "aria-describedby": "fault-" + name };
  return element("fieldset", box, legend, ...made, faultOf(name));
}

/** Whether the caller agreed to be called back, and at what hours of its own. */
function consentField(name) {
  const consent = element("input", { type: "checkbox" });
  const hour = (id) => element("label", {}, named("fact_call_back", id), " ", element("input", { type: "time" }));
  const legend = element("legend", {}, named("fact", name));
  const agreed = element("label", {}, consent, w("fact_call_back_consent"));
  const box = { id: "fact-" + name, className: "wide", "aria-describedby": "fault-" + name };
  return element("fieldset", box, legend, agreed, hour("from"), hour("until"), faultOf(name));
}

function faultOf(name) {
  return element("p", { id: "fault-" + name, className: "fault", role: "alert" });
}

function factField([name, kind, values]) {
  if (values) {
    return choices(name, kind, values);
  }
  if (kind === "consent") {
    return consentField(name);
  }
  const long = kind === "text" || kind === "list";
  const more = { id: "fact-" + name, autocomplete: "off", "aria-describedby": "fault-" + name };
  if (kind === "percent" || kind === "number") {
    more.inputMode = kind === "percent" ? "numeric" : "tel";
    more.maxLength = kind === "percent" ? 3 : 32;
  } else if (kind !== "list") {
    more.maxLength = 200;
  }
  const input = long ? element("textarea", { rows: 2, ...more }) : element("input", { type: "text", ...more });
  const label = element("label", { htmlFor: "fact-" + name }, named("fact", name));
  return element("div", { className: long ? "wide" : "" }, label, input, faultOf(name));
}

function boxes(name) {
  return [...at("fact-" + name).querySelectorAll("input")];
}

/** What stands in a field, as text or a list of texts. */
function raw([name, kind, values]) {
  if (kind === "consent") {
    const [consent, from, until] = boxes(name);
    return [consent.checked, from.value, until.value];
  }
  return values ? boxes(name).filter((it) => it.checked).map((it) => it.value) : at("fact-" + name).value;
}

function fill([name, kind, values], value) {
  if (kind === "consent") {
    const [consent, from, until] = boxes(name);
    [consent.checked, from.value, until.value] = value;
  } else if (values) {
    const chosen = value.length || name !== "level" ? value : [""];
    boxes(name).forEach((it) => { it.checked = chosen.includes(it.value); });
  } else {
    at("fact-" + name).value = value;
  }
}

/** As the API takes it; nothing if nothing was written. */
function factValue(field) {
  const [name, kind] = field;
  const value = raw(field);
  const plain = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  if (kind === "choice") {
    return value[0] || undefined;
  }
  if (kind === "consent") {
    const [consent, from, until] = value;
    const before = facts.saved && facts.saved[name];
    const said = { ...before, consent, from: from || undefined, until: until || undefined };
    return before || consent || from || until ? said : undefined;
  }
  if (kind === "marks") {
    return value.length ? value : undefined;
  }
  if (kind === "list") {
    const lines = value.split("\n").map(plain).filter((it) => it);
    return lines.length ? lines : undefined;
  }
  const text = plain(value);
  if (kind === "percent" && /^\d+%?$/.test(text)) {
    return Number.parseInt(text, 10);
  }
  return text || undefined;
}

/** As the form shows what the API gave. */
function formValue([name, kind], given) {
  const value = given[name];
  if (kind === "choice") {
    return value ? [value] : [];
  }
  if (kind === "consent") {
    const { consent, from, until } = value || {};
    return [Boolean(consent), from || "", until || ""];
  }
  if (kind === "marks") {
    return value || [];
  }
  return kind === "list" ? (value || []).join("\n") : String(value ?? "");
}

/** What is not saved yet stays with this tab, if the page is loaded again. */
function keepDraft() {
  const unsaved = FACTS.filter(([name]) => facts.dirty.has(name)).map((it) => [it[0], raw(it)]);
  const place = at("place").value;
  if (facts.call && (unsaved.length || place)) {
    sessionStorage.setItem("draft", JSON.stringify({ call: facts.call, place, unsaved }));
  } else {
    sessionStorage.removeItem("draft");
  }
}

function takeDraft(call) {
  let draft = null;
  try {
    draft = JSON.parse(sessionStorage.getItem("draft"));
  } catch (_) {
    // Somebody else's.
  }
  if (!draft || draft.call !== call) {
    return;
  }
  at("place").value = draft.place;
  for (const [name, value] of draft.unsaved) {
    const field = FACTS.find((it) => it[0] === name);
    if (field) {
      fill(field, value);
      touch(name);
    }
  }
}

function touch(name) {
  const now = performance.now();
  facts.first = facts.dirty.size ? facts.first : now;
  facts.edited = now;
  facts.dirty.add(name);
}

function showFault(name, message) {
  write("fault-" + name, message);
  at("fact-" + name).setAttribute("aria-invalid", String(Boolean(message)));
}

function sayFacts(text, bad) {
  write("facts-state", text);
  at("facts-state").className = bad ? "refused" : "";
}

/** Another call is at the seat: its facts, or none. */
function openFacts(id) {
  if (facts.call === id) {
    return;
  }
  if (facts.call && facts.dirty.size && facts.saved) {
    lastWords();
  }
  Object.assign(facts, { call: id, saved: null, first: 0, edited: 0, sent: 0, urgent: false, sends: 0 });
  facts.dirty.clear();
  at("facts").reset();
  FACTS.forEach(([name]) => showFault(name, ""));
  at("place").value = "";
  sayFacts("");
  if (id) {
    takeDraft(id);
  }
  keepDraft();
  settle();
}

/** The call is over, or elsewhere, with words that were not sent. */
async function lastWords() {
  try {
    await sendFacts(facts.call, facts.saved, toSend(), new Map());
  } catch (_) {
    say(w("facts_late"), true);
  }
}

async function fetchFacts() {
  const call = facts.call;
  const given = await api("GET", "/calls/" + call + "/facts");
  if (call !== facts.call) {
    return;
  }
  facts.saved = given;
  for (const field of FACTS.filter(([name]) => !facts.dirty.has(name))) {
    fill(field, formValue(field, given));
  }
}

/** All of the form. Fields that this page does not know stay as they are. */
function toSend() {
  const body = { ...facts.saved };
  for (const field of FACTS) {
    body[field[0]] = factValue(field);
  }
  return body;
}

/** Sends it; gives what was taken. What is refused is shown beside its field, and the others go without it. */
async function sendFacts(call, saved, body, refused) {
  try {
    await api("PUT", "/calls/" + call + "/facts", body, { keepalive: true });
  } catch (error) {
    const known = (error.fields || []).filter((it) => !refused.has(it.field));
    if (!known.length) {
      throw error;
    }
    const rest = { ...body };
    for (const { field, message } of known) {
      refused.set(field, message);
      rest[field] = saved[field];
    }
    return sendFacts(call, saved, rest, refused);
  }
  return body;
}

async function saveFacts() {
  const call = facts.call;
  const before = new Map(FACTS.map((it) => [it[0], JSON.stringify(raw(it))]));
  facts.busy = true;
  facts.urgent = false;
  facts.sent = performance.now();
  sayFacts(w("facts_saving"));
  try {
    if (!facts.saved) {
      await fetchFacts();
    }
    const refused = new Map();
    const saved = await sendFacts(call, facts.saved, toSend(), refused);
    if (call !== facts.call) {
      return;
    }
    facts.saved = saved;
    facts.sends += 1;
    for (const field of FACTS) {
      const name = field[0];
      const same = before.get(name) === JSON.stringify(raw(field));
      if (same) {
        showFault(name, refused.get(name) || "");
      }
      if (same && !refused.has(name)) {
        facts.dirty.delete(name);
      }
    }
    const time = new Date().toLocaleTimeString(lang === "en" ? "en-GB" : "zh-CN", { hour12: false });
    sayFacts(refused.size ? w("facts_partly", refused.size) : w("facts_saved", time), refused.size > 0);
  } catch (error) {
    if (call === facts.call) {
      const over = error instanceof Refused && error.status !== 401 && error.status < 500;
      // Asked again as soon as the engine answers; not if it will never take it.
      facts.edited = over ? facts.edited : performance.now();
      sayFacts(over ? error.message : w("facts_unsaved"), true);
    }
  } finally {
    facts.busy = false;
    keepDraft();
  }
}

/** How long after one sending the next may follow, in ms: an engine sends each change on to whoever was
 * called, and only so many of a call. */
function gap() {
  const handed = state.call && state.call.thirds.length > 0;
  return handed ? Math.min(60, 2 + facts.sends) * 1000 : 1000;
}

/** Twice a second: what is due. */
function tendFacts() {
  const now = performance.now();
  if (!facts.call || facts.busy || !linked()) {
    return;
  }
  if (!facts.saved) {
    facts.busy = true;
    const failed = () => sayFacts(w("facts_unread"), true);
    const read = () => facts.dirty.size || sayFacts("");
    fetchFacts().then(read, failed).finally(() => { facts.busy = false; });
    return;
  }
  const due = facts.edited > facts.sent && now - facts.sent >= gap();
  const paused = facts.urgent || now - facts.edited >= PAUSE || now - facts.first >= LONGEST_PAUSE;
  if (due && paused && facts.dirty.size) {
    saveFacts();
  }
}

/** A key is pressed, or the page goes away: what is known goes along. */
function hurryFacts() {
  if (facts.call && facts.saved && !facts.busy && facts.dirty.size && facts.edited > facts.sent) {
    saveFacts();
  }
}

function beginFacts() {
  at("facts-fields").append(...FACTS.map(factField));
  const edited = (event, urgent) => {
    const input = event.target.closest("[id^=fact-]");
    if (input) {
      touch(input.id.slice("fact-".length));
      facts.urgent = urgent;
      sayFacts(w("facts_typing"));
      keepDraft();
    }
  };
  at("facts").oninput = (event) => edited(event, event.target.type === "radio");
  at("facts").onchange = () => { facts.urgent = true; };
  at("facts").onsubmit = (event) => event.preventDefault();
  addEventListener("pagehide", hurryFacts);
}
