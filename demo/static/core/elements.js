// Small parts that widgets are built of.
(() => {
  const T = window.Twofold;
  const SVG = "http://www.w3.org/2000/svg";
  const TEXT_FIELDS = "input:not([type=range], [type=radio], [type=checkbox]), select, textarea, [contenteditable], [role=menu]";

  Object.assign(T, {
    // A new element. Attributes: onclick and the like are listeners, true is an empty attribute, false and null are left out.
    el(tag, attributes = {}, ...children) {
      const node = document.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
      }
      node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
      return node;
    },
    // A new element of an SVG drawing.
    svg(tag, attributes, ...children) {
      const node = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      node.append(...children);
      return node;
    },
    // A function that calls `action` once nobody has called it for `ms` milliseconds; `.cancel()` drops a call that waits.
    debounced(action, ms) {
      let timer;
      const call = (...args) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...args), ms);
      };
      call.cancel = () => clearTimeout(timer);
      return call;
    },
    // A function that calls `action` at the next frame, once however often it is called before.
    oncePerFrame(action) {
      let asked = false;
      return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          action();
        });
      };
    },
    // A function that calls `action` once what runs now is done, once however often it is called before.
    oncePerTask(action) {
      let asked = false;
      return () => {
        if (asked) return;
        asked = true;
        queueMicrotask(() => {
          asked = false;
          action();
        });
      };
    },
    // A function that gives what `action` gives; whoever calls it while that is under way gets the same.
    oneAtATime(action) {
      let underWay = null;
      return () => {
        underWay ??= action().finally(() => (underWay = null));
        return underWay;
      };
    },
    // Whether an element is laid out on the page; not where its tab is closed.
    visible: (element) => element.isConnected && element.offsetParent !== null,
    // Whether a key belongs to a field in which the visitor types, or to a menu.
    typing: (event) => Boolean(event.target.closest?.(TEXT_FIELDS)),
    // Writes words into a node unless they stand there: screen readers read them whenever they are set.
    say(node, words) {
      if (node.textContent !== words) node.textContent = words;
    },
    // Saves a Blob as a file of this name.
    saveBlob(blob, name) {
      const href = URL.createObjectURL(blob);
      const anchor = T.el("a", { href, download: name });
      document.body.append(anchor);
      anchor.click();
      anchor.remove();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    },
    // What reading a visitor's file gives; rejects with a sentence where it cannot be read.
    reading: (promise) =>
      promise.catch(() => {
        throw new Error(T.t("This file cannot be read: it may be a folder, or have been moved."));
      }),
    // Copies text to the clipboard; whether that worked. Pages over plain HTTP from another machine need the old way.
    async copyText(text) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        const before = document.activeElement;
        const area = T.el("textarea", { class: "tf-hidden", "aria-hidden": "true" });
        area.value = text;
        document.body.append(area);
        area.select();
        const copied = document.execCommand("copy");
        area.remove();
        before?.focus({ preventScroll: true });
        return copied;
      }
    },
    // The element for one choice out of a few: radio buttons that look like one control. options: [value, text, hint], …
    segmented(name, label, options, chosen, onchange) {
      const box = T.el("div", { class: "tf-segmented", role: "radiogroup", "aria-label": label });
      for (const [value, text, hint] of options) {
        const input = T.el("input", { type: "radio", name, value, checked: value === chosen });
        input.addEventListener("change", () => onchange(value));
        box.append(T.el("label", { title: hint }, input, T.el("span", {}, text)));
      }
      box.choose = (value) => {
        for (const input of box.querySelectorAll("input")) input.checked = input.value === value;
      };
      return box;
    },
    // A labelled slider with its value beside it, in the words of `format`. `.put(value)` moves it without a call of oninput.
    slider(label, { min, max, step, value, format = (v) => v, hint }, oninput) {
      const output = T.el("output", {}, String(format(value)));
      const input = T.el("input", { type: "range", min, max, step, value, "aria-label": label });
      input.addEventListener("input", () => {
        output.textContent = format(Number(input.value));
        oninput(Number(input.value));
      });
      const row = T.el("label", { class: "tf-slider", title: hint }, T.el("span", { class: "tf-label" }, label), input, output);
      row.input = input;
      row.rename = (text) => {
        row.querySelector(".tf-label").textContent = text;
        input.setAttribute("aria-label", text);
      };
      row.put = (next) => {
        input.value = next;
        output.textContent = format(Number(next));
      };
      // Moves it to a value as a hand would, but not in its steps.
      row.move = (next) => {
        row.put(next);
        oninput(next);
      };
      return row;
    },
    // Offers a bundle in a list, with its title of now; takes it out where it is gone.
    offerBundle(select, bundle, isGone = false) {
      const known = [...select.options].find((option) => option.value === bundle.name);
      if (isGone) return known?.remove();
      const option = known ?? T.el("option", { value: bundle.name });
      option.textContent = bundle.learning ? T.t("{title} (still learning)", { title: bundle.title }) : bundle.title;
      if (!known) select.append(option);
    },
    // The place of a sentence about what went wrong. `.show("")` hides it.
    errorNote() {
      const note = T.el("p", { class: "tf-error", role: "alert", hidden: true });
      note.show = (sentence) => {
        T.say(note, T.translate(sentence));
        note.hidden = !sentence;
      };
      return note;
    },
    // Lets the arrow keys move the focus over a grid of buttons, of which Tab reaches one. tiles(), columns(): what is there
    // now.
    arrowKeys(grid, tiles, columns) {
      const stopAt = ({ target }) => {
        const list = tiles();
        const chosen = list.find((tile) => tile.contains(target));
        if (chosen) for (const tile of list) tile.tabIndex = tile === chosen ? 0 : -1;
      };
      for (const kind of ["focusin", "click"]) grid.addEventListener(kind, stopAt); // not every browser focuses what is clicked
      grid.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[event.key];
        const list = tiles();
        const at = list.indexOf(document.activeElement);
        if (!step || at < 0) return;
        event.preventDefault();
        event.stopPropagation();
        list[at + step]?.focus();
      });
    },
  });
})();
