// Pictures from the server, drawn as they arrive. The other end: demo/routes/live.py.
(() => {
  const T = window.Twofold;

  // [round trip in ms, requests on their way at once]: near a server more would only queue there; far from it six fill the
  // time, which is as many as a browser opens to one host.
  const FLIGHTS = [
    [30, 2],
    [90, 4],
    [Infinity, 6],
  ];
  const KEPT = 5000; // times in T.stats

  // The answer of a fetch, if it is a good one. Rejects with a sentence.
  const answered = async (fetching) => {
    let answer;
    try {
      answer = await fetching;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error(T.t("The server does not answer. Is it still running?"));
    }
    if (answer.ok) return answer;
    const sentence = await answer.text();
    const plain = (answer.headers.get("Content-Type") ?? "").startsWith("text/plain");
    throw new Error(plain && sentence ? sentence : T.t("The server could not draw this picture."));
  };

  const posted = async (path, request, picture, signal) => {
    const form = new FormData();
    form.append("request", JSON.stringify(request));
    if (picture) form.append("picture", await (await fetch(picture)).blob(), "picture");
    return answered(fetch(T.url(path), { method: "POST", body: form, signal }));
  };

  Object.assign(T, {
    // POSTs a request and, as a file, the picture of a data URL → the answer's JSON. Rejects with a sentence. The other
    // end: demo/routes/bundle_routes.py.
    post: async (path, request, picture) => (await posted(path, request, picture)).json(),
    // POSTs the same, and yields the reports of work that takes seconds. Rejects with a sentence. Aborting `signal` ends
    // the work on the server, too.
    async *reports(path, request, picture, signal) {
      const answer = await posted(path, request, picture, signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const lines = (text + value).split("\n");
        text = lines.pop();
        for (const line of lines) {
          const report = JSON.parse(line);
          if (report.error) throw new Error(report.error);
          yield report;
        }
      }
    },
    // The reports of an export of Morph, the finished file last; the static page puts its own in its place.
    exportMorph: ({ b, ...request }, signal) => T.reports(`morph/${encodeURIComponent(b)}`, request, null, signal),
    // → { picture: ImageData, model: ms or null, round: ms }. Rejects with a sentence.
    async fetch(path, params, signal) {
      T.stats.flying += 1;
      try {
        return await T.request(path, params, signal);
      } finally {
        T.stats.flying -= 1;
      }
    },
    // As fetch, from the server; device_switch.js and the static page put their own in its place.
    async request(path, params, signal) {
      const began = performance.now();
      const answer = await answered(fetch(T.url(path, { ...params, f: "raw" }), { signal }));
      const picture = T.picture(await answer.arrayBuffer(), answer.headers.get("X-Shape"));
      const model = /model;dur=([\d.]+)/.exec(answer.headers.get("Server-Timing") ?? "");
      return { picture, model: model ? Number(model[1]) : null, round: performance.now() - began };
    },
    // Returns a function that asks for a picture. The newest request wins: a few are on their way at once, more the longer
    // they take, and an older answer never replaces a newer one. show(picture, request) paints it.
    liveCanvas(show) {
      let usual = 50; // ms of a round trip, lately
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
      const count = ({ model, round }) => {
        const { stats } = T;
        stats.shown += 1;
        if (model !== null) stats.model.push(model);
        stats.round.push(round);
        if (stats.round.length > KEPT) stats.model.length = stats.round.length = 0;
      };
      const fly = async (job, n) => {
        flying += 1;
        try {
          const answer = await T.fetch(job.path, { ...job.params, n });
          usual += (answer.round - usual) / 8;
          if (n > shown) {
            shown = n;
            count(answer);
            show(answer.picture, job);
            T.reportTiming(answer.model, answer.round);
          }
          T.showMessage("");
        } catch (error) {
          T.showMessage(error.message);
        } finally {
          flying -= 1;
          pump();
        }
      };
      return (path, params) => {
        waiting = { path, params };
        pump();
      };
    },
    // Returns a function that fills small canvases, two at a time; a new set ends the one before.
    // jobs: [{ canvas, path, params }, …]
    canvasFiller() {
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
              if (error.name !== "AbortError") T.showMessage(error.message);
            }
          }
        };
        await Promise.all([worker(), worker()]);
      };
    },
    // The address of a live picture. v, the bundle's version, keeps a cache from mixing two exports of a bundle.
    picturePath: (state = T.state, way = "") => `live/${encodeURIComponent(state.b)}${way}?v=${T.bundle(state.b).version}`,
    pictureParams(state = T.state) {
      const { b, ...rest } = T.params(state);
      return rest;
    },
  });
})();
