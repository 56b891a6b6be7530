// A guided tour in five steps for teachers: one at a time on screen, all of them on paper.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COUNT = 6; // pictures of a step
  // The shares 0 to 1 of a path at which a step's pictures lie.
  const shares = Array.from({ length: COUNT }, (_, i) => i / (COUNT - 1));
  // What T.pictureRow needs for the picture at x of the plane, at share p of a morph, and at points across the map.
  const at = (x, words, more = {}) => ({ path: T.picturePath(), params: { ...T.pictureParams(), x, y: 0, ...more }, words });
  const morph = (p) => {
    const { m, c, t } = T.state;
    const params = { m, t, keys: "3,4", path: "linear", loop: 0, p };
    if (c !== null) params.classes = `${c},${c}`;
    return { path: T.picturePath(T.state, "/morph"), params, words: `${Math.round(100 * p)} %` };
  };
  // Points on the diagonal of the map, from a little outside to a little outside.
  const across = (map) => {
    if (!map) return [];
    return shares.map((p) => {
      const q = 1.4 * p - 0.2;
      const [x, y] = [0, 1].map((i) => map.low[i] + q * (map.high[i] - map.low[i]));
      const words = q < 0 || q > 1 ? T.t("outside") : T.t("inside");
      return { path: T.picturePath(T.state, "/map"), params: { way: "pca", mapx: x.toFixed(4), mapy: y.toFixed(4) }, words };
    });
  };
  // [title, text, the pictures given the latent map], …
  const steps = () => [
    [T.t("Noise becomes a picture"), T.t("A seed stands for a list of random numbers, the latent. The generator turns each list into a picture. Nobody drew these."), () => shares.map((_, i) => at(10 + i, T.t("Seed {seed}", { seed: 10 + i })))],
    [T.t("Near means similar"), T.t("A small step in the latent is a small change in the picture: each step here is a twentieth of the way to the next seed."), () => shares.map((_, i) => at(3 + i / 20, String(3 + i / 20)))],
    [T.t("A straight line is a morph"), T.t("There is a path between any two latents. Every point on it is a picture of its own, not two pictures faded into each other."), () => shares.map(morph)],
    [T.t("Typical and odd"), T.t("Truncation pulls a latent towards the average. At 0 every picture is the average; above 1 pictures get odd and fail more often."), () => shares.map((p) => at(5, String(Number((1.5 * p).toFixed(2))), { t: Number((1.5 * p).toFixed(2)) }))],
    [T.t("Holes"), T.t("Not every point holds something. Along this line through the latent map, the points outside, and some in between, look like nothing in the data."), across],
  ];

  // The element with the tour. `.show(map)`: the server's description of the latent map, null where there is none.
  T.tour = () => {
    let step = 0; // on screen
    let map = null;
    const rows = steps().map(([title]) => T.pictureRow(title));
    const sections = steps().map(([title, text], i) =>
      el("section", { class: "tf-tour-step" }, el("h4", {}, `${i + 1}. ${title}`), el("p", {}, text), rows[i]),
    );
    const place = el("span", { class: "tf-quiet", role: "status" });
    const back = el("button", { type: "button", class: "tf-button", onclick: () => go(step - 1) }, T.t("Back"));
    const next = el("button", { type: "button", class: "tf-button", onclick: () => go(step + 1) }, T.t("Next"));
    const print = el("button", { type: "button", class: "tf-button", onclick: () => printAll() }, T.t("Print the tour"));
    const box = el("div", { class: "tf-tour" }, ...sections, el("div", { class: "tf-buttons" }, back, next, place, print));
    const count = () => (T.bundle().models.includes("vae") ? sections.length : sections.length - 1);
    const fill = (i) => rows[i].show(steps()[i][2](map));
    const go = (to) => {
      step = Math.min(count() - 1, Math.max(0, to));
      sections.forEach((section, i) => section.classList.toggle("tf-current", i === step));
      back.disabled = step === 0;
      next.disabled = step === count() - 1;
      place.textContent = T.t("Step {n} of {all}", { n: step + 1, all: count() });
      fill(step);
    };
    const printAll = async () => {
      await Promise.all(rows.slice(0, count()).map((_, i) => fill(i)));
      sections.forEach((section, i) => section.classList.toggle("tf-unprinted", i >= count()));
      window.print();
    };
    box.show = (found) => {
      map = found;
      go(step);
    };
    return box;
  };
})();
