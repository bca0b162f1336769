
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
    found = unsettled(error);
  }
  // A later answer may have come first.
  if (turn === settling) {
    at("settled").replaceChildren(...found);
  }
}

/** Why there is no place; the choices, if there are some. */
function unsettled(error) {
  const choices = error.candidates || [];
  const buttons = choices.map((city, index) => button("city-" + index, city, () => choose(city)));
  return [choices.length ? w("several") : trouble(error), ...buttons];
}

function choose(city) {
  at("place").value = city;
  at("place").focus();
  keepDraft();
  settle();
}

async function press(key) {
  const call = state.call;
  if (!call || state.pressing.has(key.name)) {
    return;
  }
  const body = { key: key.name, place: at("place").value.trim() };
  const manner = at("manner-" + key.name);
  if (manner && manner.value !== key.manners[0]) {
    body.manner = manner.value;
  }
  state.pressing.add(key.name);
  hurryFacts();
  showKeys();
  say(w("pressing", key.title + " " + key.name));
  const failed = await act("/calls/" + call.id + "/transfer", body, (started) => {
    if (started.asks) {
      state.asks.set(call.id + "/" + started.third, started.asks.cities);
      state.asking = { third: started.third, text: w("asks", Math.ceil(started.asks.within_ms / 1000)) };
      return state.asking.text;
    }
    return w("pressed", key.title, started.dialled);
  });
  state.pressing.delete(key.name);
  if (failed && failed.candidates && failed.candidates.length) {
    at("settled").replaceChildren(...unsettled(failed));
  } else if (failed && !(failed instanceof Refused)) {
    say(w(key.star ? "press_unanswered" : "unanswered", key.star), true);
  }
  showKeys();
}

/** Emergencies first, each in the order of the configuration. */
function ordered(keys) {
  return [...keys.filter((it) => it.emergency), ...keys.filter((it) => !it.emergency)];
}

function keyButton(key, index, ready) {
  const shortcut = index < 9 ? "Alt+" + (index + 1) : "";
  const more = { disabled: !ready, className: key.emergency ? "emergency" : "" };
  // Not disabled meanwhile: it would lose the focus.
  more["aria-busy"] = String(state.pressing.has(key.name));
  const face = [element("span", {}, key.title + " " + key.name)];
  if (shortcut) {
    more["aria-keyshortcuts"] = shortcut;
    face.push(element("kbd", { "aria-hidden": "true" }, shortcut));
  }
  const made = button("key-" + key.name, "", () => press(key), more);
  made.replaceChildren(...face);
  return made;
}

function showKeys() {
  const ready = Boolean(state.call) && ["talking", "transferring"].includes(state.call.phase);
  const chosen = new Map();
  for (const key of state.keys) {
    const manner = at("manner-" + key.name);
    chosen.set(key.name, manner ? manner.value : "");
  }
  const call = state.call && state.call.id;
  show("keys", [state.keys, ready, call, [...state.pressing]], () => ordered(state.keys).map((key, index) => {
    const made = [keyButton(key, index, ready)];
    if (key.manners.length > 1) {
      const same = state.mannersOf === call;
      const options = key.manners.map((it) => {
        return element("option", { value: it, selected: same && it === chosen.get(key.name) }, named("manner", it));
      });
      const label = w("manner") + " " + key.title;
      made.push(element("select", { id: "manner-" + key.name, "aria-label": label }, ...options));
    }
    return element("div", {}, ...made);
  }));
  state.mannersOf = call;
}
