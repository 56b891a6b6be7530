// Before and after: two pictures on top of each other, and a slider that reveals the one below.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element with both. `.put(before, after, name)`: addresses of the pictures, and what the second is called.
  T.beforeAfter = () => {
    const before = el("img", { class: "tf-picture", alt: T.t("Before: the input") });
    const after = el("img", { class: "tf-picture tf-wipe-after", alt: "" });
    const edge = el("i", { class: "tf-wipe-edge", "aria-hidden": "true" });
    const input = el("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.t("How much of the input is uncovered") });
    const move = () => {
      const share = Number(input.value);
      after.style.clipPath = `inset(0 0 0 ${share}%)`;
      edge.style.left = `${share}%`;
      input.setAttribute("aria-valuetext", T.t("{share} % input, {rest} % answer", { share, rest: 100 - share }));
    };
    input.addEventListener("input", move);
    const name = el("span", {});
    const frame = el(
      "div",
      { class: "tf-wipe" },
      el("div", { class: "tf-wipe-stack" }, before, after, edge, input),
      el("div", { class: "tf-wipe-names" }, el("span", {}, T.t("Input")), name),
    );
    frame.put = (first, second, called) => {
      before.src = first;
      after.src = second;
      after.alt = T.t("After: {name}", { name: called });
      name.textContent = called;
    };
    move();
    return frame;
  };
})();
