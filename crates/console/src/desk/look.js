
// --- once a second ---

/** How long the page may be without an answer until it says so, in ms. */
const SILENCE = 2500;
const EVERY = 1000;
const link = { heard: performance.now(), asked: 0, asking: false, since: null, refused: "" };
let turn = 0;

/** True while the engine answers. */
function linked() {
  return link.since === null;
}

function lose() {
  link.since = link.since || new Date();
  const time = link.since.toLocaleTimeString(lang === "en" ? "en-GB" : "zh-CN", { hour12: false });
  write("link", w("lost", time));
  document.body.classList.add("stale");
}

function regain() {
  link.heard = performance.now();
  if (!linked()) {
    link.since = null;
    write("link", "");
    document.body.classList.remove("stale");
  }
}

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

function showAnswer(seats, { calls, alarms }) {
  showSeats(seats);
  const name = at("seat").value;
  const seat = seats.find((it) => it.name === name);
  state.account = (seat && seat.counsellor) || "";
  write("seat-state", seat ? named("seat", seat.state) : "");
  at("seat-state").className = seat ? seat.state : "";
  const call = (name && calls.find((it) => it.seat === name)) || null;
  if ((state.call && state.call.id) !== (call && call.id)) {
    say("");
  }
  state.call = call;
  remember(call);
  const supervises = at("supervisor").checked;
  at("desk").hidden = supervises;
  at("all").hidden = !supervises;
  showAlarms(loudCalls(calls, alarms, supervises));
  openFacts(call && call.id);
  showCall(call);
  showKeys();
  showThirds(call);
  if (supervises) {
    showAll(calls);
  }
}

async function look() {
  const now = ++turn;
  try {
    if (!state.keys.length) {
      state.keys = (await api("GET", "/keys")).keys;
    }
    const [{ seats }, calls] = await Promise.all([api("GET", "/seats"), api("GET", "/calls")]);
    regain();
    // A later question may have been answered first.
    if (now === turn) {
      showAnswer(seats, calls);
      at("login").hidden = true;
      if (link.refused && at("said").textContent === link.refused) {
        say("");
      }
      link.refused = "";
    }
  } catch (error) {
    if (error instanceof Refused && error.status < 500) {
      regain();
      link.refused = error.message;
      say(error.message, true);
    } else {
      lose();
    }
  }
}

/** Twice a second. */
function tick() {
  const now = performance.now();
  if (now - link.heard > SILENCE) {
    lose();
  }
  if (!link.asking && now - link.asked >= EVERY - 50) {
    link.asking = true;
    link.asked = now;
    look().finally(() => { link.asking = false; });
  }
  tendFacts();
}

/** A clock in a thread of its own: that of a page that nobody looks at may stand still for a minute. */
function startClock() {
  try {
    const clock = new Worker("/desk-clock.js");
    clock.onmessage = tick;
    clock.onerror = () => setInterval(tick, 500);
  } catch (_) {
    setInterval(tick, 500);
  }
}

/** The seat stands in the address: to come back to, and for the page in the other language. */
function keepSeat(seat) {
  query.set("seat", seat);
  history.replaceState(null, "", "?" + query);
  const other = new URL(at("other").href);
  other.searchParams.set("seat", seat);
  at("other").href = other;
}

function pressed(event) {
  const digit = event.altKey && /^Digit[1-9]$/.test(event.code) ? Number(event.code.slice(5)) : 0;
  const key = digit && ordered(state.keys)[digit - 1];
  if (!key || at("supervisor").checked) {
    return;
  }
  event.preventDefault();
  if (!event.repeat && !at("key-" + key.name).disabled) {
    press(key);
  }
}

function begin() {
  at("supervisor").checked = query.get("view") === "supervisor";
  at("supervisor").onchange = () => look();
  at("seat").onchange = () => {
    keepSeat(at("seat").value);
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
    keepDraft();
    clearTimeout(waiting);
    waiting = setTimeout(settle, 250);
  };
  beginFacts();
  document.addEventListener("keydown", unlock);
  document.addEventListener("pointerdown", unlock);
  document.addEventListener("keydown", pressed);
  // What is focused or sticks below is not covered by an alarm.
  const cover = () => document.documentElement.style.setProperty("--top", at("top").offsetHeight + "px");
  new ResizeObserver(cover).observe(at("top"));
  startClock();
  keepSeat(query.get("seat") || "");
  tick();
}

begin();
