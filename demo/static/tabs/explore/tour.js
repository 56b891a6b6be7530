// A guided tour for teachers: one step at a time on screen, all of them on paper.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COUNT = 6; // pictures of a step
  // The shares 0 to 1 of a path at which a step's pictures lie.
  const shares = Array.from({ length: COUNT }, (_, i) => i / (COUNT - 1));
  // What T.pictureRow needs for the picture at x of the plane, at share p of a morph, and at points across the map.
  const at = (x, words, more = {}) => ({ path: T.picturePath(), params: { ...T.pictureParams(), x, y: 0, ...more }, words });
  const morph = (p) => {
    const { c: mixed, x, y, ...shown } = T.pictureParams();
    const { c } = T.state;
    const params = { ...shown, keys: "3,4", path: "linear", loop: 0, p };
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
      return { path: T.picturePath(T.state, "/map"), params: { projection: "pca", mapx: x.toFixed(4), mapy: y.toFixed(4) }, words };
    });
  };
  const hasMap = () => T.bundle().models.includes("vae");
  const hasSnapshots = () => Object.keys(T.bundle().snapshots).length > 0;
  // [title, text, the pictures given the latent map (null: the snapshots of the training), whether the bundle has them], …
  const steps = () => [
    [T.t("Noise becomes a picture"), T.t("A seed stands for a list of random numbers, the latent. The generator turns each list into a picture. Nobody drew these."), () => shares.map((_, i) => at(10 + i, T.t("Seed {seed}", { seed: 10 + i })))],
    [T.t("Near means similar"), T.t("A small step in the latent is a small change in the picture: each step here is a twentieth of the way to the next seed."), () => shares.map((_, i) => at(3 + i / 20, String(3 + i / 20)))],
    [T.t("A straight line is a morph"), T.t("There is a path between any two latents. Every point on it is a picture of its own, not two pictures faded into each other."), () => shares.map(morph)],
    [T.t("Typical and odd"), T.t("Truncation pulls a latent towards the average. At 0 every picture is the average; above 1 pictures get odd and fail more often."), () => shares.map((p) => at(5, String(Number((1.5 * p).toFixed(2))), { t: Number((1.5 * p).toFixed(2)) }))],
    [T.t("Holes"), T.t("Not every point holds something. Along this line through the latent map, the points outside, and some in between, look like nothing in the data."), across, hasMap],
    [T.t("All of it was learned"), T.t("Before its training a model draws noise and blur. Shapes come first, then variety, then details; each doubling of the pictures seen brings about as much."), null, hasSnapshots],
  ];

  // The element with the tour. `.show(map)`: the server's description of the latent map, null where there is none.
  T.tour = () => {
    let step = 0; // on screen, among those that the bundle has
    let current = null;
    let map = null;
    const learned = T.howItLearned(false);
    const all = steps().map(([title, text, pictures, has = () => true], i) => {
      const heading = el("h4", {});
      const content = pictures ? T.pictureRow(title) : learned;
      const section = el("section", { class: "tf-tour-step" }, heading, el("p", {}, text), content);
      const fill = () => (pictures ? content.show(steps()[i][2](map)) : learned.show(T.bundle(), T.state.m));
      return { title, heading, section, fill, has, plays: !pictures };
    });
    const place = el("span", { class: "tf-quiet", role: "status" });
    const back = el("button", { type: "button", class: "tf-button", onclick: () => go(step - 1) }, T.t("Back"));
    const next = el("button", { type: "button", class: "tf-button", onclick: () => go(step + 1) }, T.t("Next"));
    const print = el("button", { type: "button", class: "tf-button", onclick: () => printAll() }, T.t("Print the tour"));
    const box = el("div", { class: "tf-tour" }, ...all.map((one) => one.section), el("div", { class: "tf-buttons" }, back, next, place, print));
    const go = (to) => {
      const there = all.filter((one) => one.has());
      step = Math.min(there.length - 1, Math.max(0, to));
      there.forEach((one, i) => (one.heading.textContent = `${i + 1}. ${one.title}`));
      for (const one of all) one.section.classList.toggle("tf-current", one === there[step]);
      back.disabled = step === 0;
      next.disabled = step === there.length - 1;
      place.textContent = T.t("Step {n} of {all}", { n: step + 1, all: there.length });
      there[step].fill();
      if (there[step] !== current && there[step].plays) learned.start(); // once, when it is reached
      else if (!there[step].plays) learned.stop();
      current = there[step];
    };
    const printAll = async () => {
      learned.stop();
      await Promise.all(all.filter((one) => one.has()).map((one) => one.fill()));
      for (const one of all) one.section.classList.toggle("tf-unprinted", !one.has());
      window.print();
    };
    box.show = (found) => {
      map = found;
      go(step);
    };
    return box;
  };
})();
