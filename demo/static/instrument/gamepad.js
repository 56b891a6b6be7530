// Gamepads: their sticks and buttons, read at each frame. Browsers show one once a button on it is pressed.
(() => {
  const T = window.Twofold;

  const DEAD = 0.08; // of a stick around its middle: few rest exactly there
  const MOST = 4; // gamepads

  // Follows them. say(sentence, on: whether one plays now) tells which there are.
  T.gamepads = (engine, say) => {
    const names = new Map(); // by place
    const pads = () => {
      try {
        return [...(navigator.getGamepads?.() ?? [])].filter((pad) => pad?.connected && pad.index < MOST);
      } catch {
        return []; // forbidden where the page is embedded
      }
    };
    const nameOf = (pad) => pad.id.replace(/\s*\(.*\)$/, "").slice(0, 60) || T.t("a gamepad");
    const tell = (before = "") => {
      const now = names.size ? T.t("Gamepad: {names}.", { names: [...names.values()].join(", ") }) : "";
      say([before, now].filter(Boolean).join(" "), names.size > 0);
    };
    const poll = () => {
      const present = pads();
      const gone = [];
      let came = 0;
      for (const [place, name] of names) {
        if (present.some((pad) => pad.index === place)) continue;
        gone.push(name);
        names.delete(place);
        for (const source of engine.values.keys()) {
          if (source.startsWith(`axis:${place}:`)) engine.put(source, 0.5, false);
          if (source.startsWith(`button:${place}:`)) engine.put(source, 0, false);
        }
      }
      for (const pad of present) {
        if (!names.has(pad.index)) {
          came += 1;
          names.set(pad.index, nameOf(pad));
        }
        pad.axes.forEach((value, i) => engine.put(`axis:${pad.index}:${i}`, T.mapping.fromMiddle(value, DEAD)));
        pad.buttons.forEach(({ value }, i) => engine.put(`button:${pad.index}:${i}`, value));
      }
      if (gone.length) tell(T.n(gone.length, "{names} was unplugged; its sticks and buttons are at rest now.", "{names} were unplugged; their sticks and buttons are at rest now.", { names: gone.join(", ") }));
      else if (came) tell();
      if (!names.size) engine.unpoll(poll);
    };
    addEventListener("gamepadconnected", () => engine.poll(poll));
    if (pads().length) engine.poll(poll);
  };
})();
