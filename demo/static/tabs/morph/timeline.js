// The line on which keyframes lie in time: drag them, or move them with the arrow keys.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const MANY = 8; // keyframes, from which on they are drawn smaller
  const STEP = 0.1; // seconds of an arrow key; with Shift ten times as far

  // The element with the line. choice: { keys, times, loop, seconds }, whose times are edited here. moved() is called after
  // that, goTo(position), 0 to 1, where the line itself is pressed. `.draw()` draws it again, `.show(position)` moves the playhead.
  T.timeline = (choice, moved, goTo) => {
    const head = el("div", { class: "tf-timeline-head", "aria-hidden": "true" });
    const line = el("div", { class: "tf-timeline-line" });
    const box = el("div", { class: "tf-timeline", role: "group", "aria-label": T.t("Timeline") }, line);
    let handles = [];

    const put = (i, seconds) => {
      const [from, to] = T.timing.room(choice.times, i, choice.loop, choice.seconds);
      const next = Math.round(Math.min(to, Math.max(from, seconds)) * 100) / 100;
      if (next === choice.times[i]) return;
      choice.times[i] = next;
      place();
      moved();
    };
    const positionAt = (event) => {
      const inside = line.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - inside.left) / inside.width));
    };
    const place = () => {
      handles.forEach((handle, i) => {
        const [from, to] = T.timing.room(choice.times, i, choice.loop, choice.seconds);
        handle.style.left = `${(100 * choice.times[i]) / choice.seconds}%`;
        handle.setAttribute("aria-valuemin", from);
        handle.setAttribute("aria-valuemax", to);
        handle.setAttribute("aria-valuenow", choice.times[i]);
        handle.setAttribute("aria-valuetext", T.t("{n} s", { n: choice.times[i] }));
      });
    };
    const handleOf = (i) => {
      const first = i === 0; // a film begins with it
      const label = T.t("Time of keyframe {n}", { n: i + 1 });
      const handle = el("span", { class: "tf-timeline-key", role: "slider", tabindex: 0, "aria-label": label, "aria-disabled": first || null, title: label }, String(i + 1));
      handle.addEventListener("pointerdown", (event) => {
        event.stopPropagation();
        if (first || event.button !== 0) return;
        event.preventDefault();
        handle.focus({ preventScroll: true });
        handle.setPointerCapture(event.pointerId);
      });
      handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && put(i, positionAt(event) * choice.seconds));
      handle.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -10 * STEP, PageUp: 10 * STEP }[event.key];
        const [from, to] = T.timing.room(choice.times, i, choice.loop, choice.seconds);
        const end = { Home: from, End: to }[event.key];
        if (by === undefined && end === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        put(i, end ?? choice.times[i] + by * (event.shiftKey ? 10 : 1));
      });
      return handle;
    };
    line.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      line.setPointerCapture(event.pointerId);
      goTo(positionAt(event));
    });
    line.addEventListener("pointermove", (event) => line.hasPointerCapture(event.pointerId) && goTo(positionAt(event)));
    box.draw = () => {
      if (handles.length !== choice.keys.length) {
        handles = choice.keys.map((_, i) => handleOf(i));
        line.replaceChildren(head, ...handles);
        line.classList.toggle("tf-many", handles.length > MANY);
      }
      place();
    };
    box.show = (position) => {
      head.style.left = `${100 * position}%`;
    };
    return box;
  };
})();
