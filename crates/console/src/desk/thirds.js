
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

/** The place that was typed, for whoever opened the page after the key was pressed. */
function settleAsTyped(call, third) {
  const city = at("place").value.trim();
  if (city) {
    wish(call, third, { wish: "settle", city })();
  } else {
    say(w("place_needed"), true);
    at("place").focus();
  }
}

function modeButtons(call, third, id) {
  const modes = MODES[third.role] || ["full", "held"];
  const all = modes.includes(third.mode) ? modes : [third.mode, ...modes];
  const path = "/calls/" + call.id + "/parties/" + third.third + "/mode";
  const made = all.map((mode) => {
    const more = { "aria-pressed": String(mode === third.mode), className: "mode" };
    const press = () => mode === third.mode || act(path, { mode });
    return button(id + "mode-" + mode, named("mode", mode), press, more);
  });
  return element("div", { role: "group", "aria-label": w("mode"), className: "modes" }, ...made);
}

function thirdRow(call, third) {
  const id = "third-" + third.third + "-";
  const row = [
    element("strong", {}, nameOf(third)),
    element("span", { className: "number" }, third.dialled),
    element("span", { className: "state " + third.state }, named("state", third.state)),
  ];
  if (third.state === "asking") {
    const cities = state.asks.get(call.id + "/" + third.third) || [];
    cities.forEach((city, index) => {
      row.push(button(id + "city-" + index, city, wish(call, third, { wish: "settle", city })));
    });
    row.push(button(id + "typed", w("settle_typed"), () => settleAsTyped(call, third)));
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
    row.push(modeButtons(call, third, id));
  }
  return element("li", { id: id + "row" }, ...row);
}

function isEmergency(third) {
  return state.keys.some((it) => it.name === third.key && it.emergency);
}

/** A question that was answered, or that nobody asks any more, does not stand there. */
function endAsking(thirds) {
  const asking = state.asking;
  if (asking && !thirds.some((it) => it.third === asking.third && it.state === "asking")) {
    state.asking = null;
    if (at("said").textContent === asking.text) {
      say("");
    }
  }
}

function showThirds(call) {
  const thirds = call ? call.thirds : [];
  endAsking(thirds);
  at("thirds-head").hidden = !thirds.length;
  show("thirds", [call && call.id, thirds, state.keys, [...state.asks]], () => thirds.map((it) => thirdRow(call, it)));
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
