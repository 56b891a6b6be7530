// Shared by all widgets: pictures from the server, drawn as they arrive; see demo/routes/live.py for the other end.
(() => {
  const T = window.Twofold;
  if (T.live) return;

  // Requests on their way at once, below so many milliseconds of a round trip: near a server more only wait in its line;
  // far from it six fill the time, which is what a browser opens to one host.
  const FLIGHTS = [
    [30, 2],
    [90, 4],
    [Infinity, 6],
  ];

  Object.assign(T, {
    url(path, params = {}) {
      const url = new URL(path, document.baseURI.split(/[?#]/)[0]);
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
      return url.href;
    },
    async fetch(path, params, signal) {
      T.stats.flying += 1;
      try {
        return await T.fly(path, params, signal);
      } finally {
        T.stats.flying -= 1;
      }
    },
    async fly(path, params, signal) {
      const began = performance.now();
      let answer;
      try {
        answer = await fetch(T.url(path, { ...params, f: "raw" }), { signal });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new Error(T.t("The server does not answer. Is it still running?"));
      }
      if (!answer.ok) {
        const sentence = await answer.text();
        const plain = (answer.headers.get("Content-Type") ?? "").startsWith("text/plain");
        throw new Error(plain && sentence ? sentence : T.t("The server could not draw this picture."));
      }
      const picture = T.picture(await answer.arrayBuffer(), answer.headers.get("X-Shape"));
      const model = /model;dur=([\d.]+)/.exec(answer.headers.get("Server-Timing") ?? "");
      return { picture, model: model ? Number(model[1]) : null, round: performance.now() - began };
    },
    // Raw bytes of uint8 [H, W, C] and their shape "H,W,C": no encoding, no decoding, no waiting for either.
    picture(buffer, shape) {
      const [height, width, channels] = shape.split(",").map(Number);
      const bytes = new Uint8Array(buffer);
      const pixels = new ImageData(width, height);
      for (let i = 0, to = 0; to < pixels.data.length; i += channels, to += 4) {
        pixels.data[to] = bytes[i];
        pixels.data[to + 1] = bytes[i + (channels > 1 ? 1 : 0)];
        pixels.data[to + 2] = bytes[i + (channels > 1 ? 2 : 0)];
        pixels.data[to + 3] = 255;
      }
      return pixels;
    },
    paint(canvas, picture) {
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      // Small pictures, replaced often: kept in main memory, they need no trip to the graphics processor to draw.
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      if (picture instanceof ImageData) pen.putImageData(picture, 0, 0);
      else pen.drawImage(picture, 0, 0);
    },
    // The newest wish wins: a few numbered requests at once, more the longer they take; older answers never replace newer.
    live(show) {
      let usual = 50; // milliseconds of a round trip, lately
      const room = () => FLIGHTS.find(([most]) => usual < most)[1];
      let sent = 0;
      let shown = 0;
      let flying = 0;
      let waiting = null;
      const pump = () => {
        while (waiting && flying < room()) {
          const job = waiting;
          waiting = null;
          fly(job, ++sent);
        }
      };
      const fly = async (job, n) => {
        flying += 1;
        try {
          const answer = await T.fetch(job.path, { ...job.params, n });
          usual += (answer.round - usual) / 8;
          if (n > shown) {
            shown = n;
            T.stats.shown += 1;
            if (answer.model !== null) T.stats.model.push(answer.model);
            T.stats.round.push(answer.round);
            if (T.stats.round.length > 5000) T.stats.model.length = T.stats.round.length = 0;
            show(answer.picture, job);
            T.clock(answer.model, answer.round);
          }
          T.say("");
        } catch (error) {
          T.say(error.message);
        } finally {
          flying -= 1;
          pump();
        }
      };
      return (path, params, extra = {}) => {
        waiting = { path, params, ...extra };
        pump();
      };
    },
    // Small pictures that are not dragged: one after another, the newest set only.
    album() {
      let run = 0;
      let control = null;
      return async (jobs) => {
        const mine = ++run;
        control?.abort();
        control = new AbortController();
        const { signal } = control;
        const queue = [...jobs];
        const worker = async () => {
          while (queue.length && mine === run) {
            const job = queue.shift();
            try {
              const { picture } = await T.fetch(job.path, job.params, signal);
              if (mine === run) T.paint(job.canvas, picture);
            } catch (error) {
              if (error.name !== "AbortError") T.say(error.message);
            }
          }
        };
        await Promise.all([worker(), worker()]);
      };
    },
    // The version keeps pictures of a bundle that was exported again apart from cached ones.
    picturePath: (state = T.state, way = "") => `live/${encodeURIComponent(state.b)}${way}?v=${T.bundle(state.b).version}`,
    pictureParams(state = T.state) {
      const { b, ...rest } = T.params(state);
      return rest;
    },
  });
})();
