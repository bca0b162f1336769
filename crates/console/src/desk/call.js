
// --- the call, its recording, all calls ---

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
      return [element("p", { id: "none" }, none)];
    }
    const marked = () => w("risk_done");
    const risk = () => act("/calls/" + call.id + "/risk", undefined, marked);
    return [element("p", { id: "line" }), button("risk", w("risk"), risk)];
  });
  if (call) {
    // Apart from the button, which nobody is to lose under the finger.
    write("line", callLine(call));
  }
  at("facts").hidden = !call;
  showGone(call);
  showRecording(call);
}

/** Who is to call back needs the number in full: for a reason, which is written down. */
async function reveal(call) {
  const reason = at("reveal-reason").value.trim();
  try {
    const found = await api("POST", "/calls/" + call.id + "/reveal", { reason });
    state.revealed = { call: call.id, number: found.caller };
    showGone(call);
  } catch (error) {
    say(trouble(error), true);
  }
}

/** Calls the caller back into the conversation; the words for whoever answers stay on the page. */
async function callBack(call) {
  try {
    const { words } = await api("POST", "/calls/" + call.id + "/call-back");
    state.careful = { call: call.id, words: words.map((it) => it.text) };
  } catch (error) {
    say(trouble(error), true);
  }
  await look();
}

/** Whether it may be called back: the button, or why not. */
function callBackLine(call) {
  const may = call.call_back || { state: "no_number" };
  if (may.state === "allowed") {
    return button("call-back", w("call_back"), () => callBack(call));
  }
  const next = may.next_ms ? new Date(may.next_ms).toLocaleTimeString(lang === "en" ? "en-GB" : "zh-CN", { hour12: false }) : "";
  return element("p", {}, named("call_back", may.state), " ", next);
}

function showGone(call) {
  const gone = Boolean(call) && call.caller_gone;
  if (!gone || (state.revealed && state.revealed.call !== call.id)) {
    state.revealed = null;
  }
  const number = state.revealed && state.revealed.number;
  const careful = gone && state.careful && state.careful.call === call.id ? state.careful.words : [];
  show("gone", gone ? [call.id, number, call.call_back, careful] : [], () => {
    if (!gone) {
      return [];
    }
    const back = [callBackLine(call), element("ul", {}, ...careful.map((it) => element("li", {}, it)))];
    const text = w("caller_gone", number || call.caller || w("withheld"), call.id);
    if (number) {
      return [text, ...back];
    }
    const label = { id: "reveal-reason", maxLength: 200, placeholder: w("reveal_reason") };
    const reason = element("input", { ...label, "aria-label": w("reveal_reason") });
    return [text, " ", reason, button("reveal", w("reveal"), () => reveal(call)), ...back];
  });
}

/** Stops what is recorded, or lets it go on; the reason stands in the call's record. */
async function record(call, on) {
  const reason = at("recording-reason").value.trim();
  if (!reason) {
    say(w("reason_needed"), true);
    at("recording-reason").focus();
    return;
  }
  await act("/calls/" + call.id + "/recording", { on, reason });
}

function showRecording(call) {
  const recording = call && call.recording;
  at("recording").hidden = !call;
  if (!call) {
    return;
  }
  write("recording-state", named("recording", recording || "none"));
  at("recording-state").className = recording || "none";
  at("recording-wish").hidden = !recording || recording === "refused";
  show("recording-act", [call.id, recording], () => {
    const paused = recording === "paused";
    const word = paused ? w("record_on") : w("record_off");
    return recording ? [button("record", word, () => record(call, paused))] : [];
  });
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
