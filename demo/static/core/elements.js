// Small parts that widgets are built of.
(() => {
  const T = window.Twofold;

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
    // Calls action once, when nobody has asked for `ms` milliseconds.
    later(action, ms) {
      let timer;
      const call = (...args) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...args), ms);
      };
      call.cancel = () => clearTimeout(timer);
      return call;
    },
    // Calls action at the next frame, once however often it is asked for.
    frame(action) {
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
    visible: (element) => element.isConnected && element.offsetParent !== null,
    save(href, name) {
      const anchor = T.el("a", { href, download: name });
      document.body.append(anchor);
      anchor.click();
      anchor.remove();
    },
    // Copies text to the clipboard; whether that worked. Pages over plain HTTP from another machine need the old way.
    async copy(text) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        const area = T.el("textarea", { class: "tf-hidden", "aria-hidden": "true" });
        area.value = text;
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
      }
    },
    // One choice out of a few, as radio buttons that look like one control. options: [value, text, hint], …
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
    slider(label, { min, max, step, value, format = (v) => v, hint }, oninput) {
      const output = T.el("output", {}, String(format(value)));
      const input = T.el("input", { type: "range", min, max, step, value, "aria-label": label });
      input.addEventListener("input", () => {
        output.textContent = format(Number(input.value));
        oninput(Number(input.value));
      });
      const row = T.el("label", { class: "tf-slider", title: hint }, T.el("span", { class: "tf-name" }, label), input, output);
      row.input = input;
      row.rename = (text) => {
        row.querySelector(".tf-name").textContent = text;
        input.setAttribute("aria-label", text);
      };
      row.put = (next) => {
        input.value = next;
        output.textContent = format(Number(next));
      };
      return row;
    },
  });
})();
