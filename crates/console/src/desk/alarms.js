
// --- alarms: an emergency key reached nobody ---

/** How long an alarm stands before it can be put away, in ms: a finger on its way to another button, which
 * the alarm has pushed aside, puts nothing away. */
const STANDS = 1500;
const title = document.title;

/** Calls that this seat had: their alarms are its own, also when the call is over. */
const mine = new Set(JSON.parse(sessionStorage.getItem("mine") || "[]"));

function remember(call) {
  if (call && !mine.has(call.id)) {
    mine.add(call.id);
    sessionStorage.setItem("mine", JSON.stringify([...mine].slice(-32)));
  }
}

/** Each call with alarms that are to be seen here, those that are over among them. */
function loudCalls(calls, late, supervises) {
  const over = new Map();
  for (const { call, ...alarm } of late) {
    over.set(call, [...(over.get(call) || []), alarm]);
  }
  const all = [...calls.map((it) => ({ id: it.id, seat: it.seat || "", alarms: it.alarms }))];
  over.forEach((alarms, id) => all.push({ id, seat: "", alarms }));
  return all.filter((it) => it.alarms.length && (supervises || mine.has(it.id)));
}

function alarmBlock(call) {
  const lines = call.alarms.map((it) => {
    const number = element("strong", { className: "number" }, it.number);
    const words = w(it.number ? "alarm" : "alarm_alone", titleOf(it.key));
    return element("p", {}, element("span", {}, words), number);
  });
  const where = element("span", {}, call.seat ? w("alarm_call", call.id, call.seat) : w("alarm_over", call.id));
  // Those alone that stand here: another may have come since.
  const thirds = call.alarms.map((it) => it.third);
  const see = () => act("/calls/" + call.id + "/alarms/seen", { thirds });
  const seen = button("seen-" + call.id, w("alarm_seen"), see);
  seen.disabled = true;
  setTimeout(() => { seen.disabled = false; }, STANDS);
  return element("div", { className: "alarm" }, ...lines, element("p", {}, where, seen));
}

function showAlarms(loud) {
  show("alarms", [loud, state.keys], () => loud.map(alarmBlock));
  const numbers = loud.flatMap((it) => it.alarms.map((alarm) => alarm.number));
  const wanted = numbers.length ? "‼ " + w("alarm_title", numbers.join(" ")) : title;
  if (document.title !== wanted) {
    document.title = wanted;
  }
  at("mute").hidden = !numbers.length || Boolean(sound && sound.state === "running");
  if (numbers.length) {
    beep();
  }
}

let sound = null;

/** A browser lets a page be heard only once somebody has touched it. */
function unlock() {
  try {
    sound = sound || new AudioContext();
    if (sound.state !== "running") {
      sound.resume();
    }
  } catch (_) {
    sound = null;
  }
}

/** Two short tones. */
function beep() {
  if (!sound || sound.state !== "running") {
    return;
  }
  for (const delay of [0, 0.3]) {
    const tone = sound.createOscillator();
    tone.frequency.value = 880;
    tone.connect(sound.destination);
    tone.start(sound.currentTime + delay);
    tone.stop(sound.currentTime + delay + 0.2);
  }
}
