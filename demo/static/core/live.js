// Pictures from the server, drawn as they arrive. The other end: demo/routes/live.py.
(() => {
  const T = window.Twofold;

  // [round trip in ms, requests on their way at once]: near a server more would only queue there; far from it six fill the
  // time, which is as many as a browser opens to one host.
  const AT_ONCE = [
    [30, 2],
    [90, 4],
    [Infinity, 6],
  ];
  const MOST_TIMES = 5000; // in T.stats
  const READ = 10_000; // ms in which a sentence can be read

  let complaint = ""; // what the bar was told of a picture that did not come
  // Writes down what T.stats keeps of an answer.
  const count = ({ modelMs, roundMs }) => {
    const { stats } = T;
    stats.shown += 1;
    if (modelMs !== null) stats.modelMs.push(modelMs);
    stats.roundMs.push(roundMs);
    if (stats.roundMs.length > MOST_TIMES) stats.modelMs.length = stats.roundMs.length = 0;
  };

  Object.assign(T, {
    // Says in the bar that a picture did not come, …
    complain(sentence) {
      complaint = sentence;
      T.showMessage(sentence);
    },
    // … and takes that back, now that pictures come again; what others have said, only once it could be read.
    endComplaint() {
      if (T.message && (T.message === complaint || performance.now() - T.messageAt > READ)) T.showMessage("");
      complaint = "";
    },
    // The picture at a live address: { picture: ImageData, modelMs (or null), roundMs, alone: whether its source draws one
    // after the other }. Rejects with a sentence.
    async fetchPicture(path, params, signal) {
      T.stats.inFlight += 1;
      try {
        return await T.pictureSource(path, params, signal);
      } finally {
        T.stats.inFlight -= 1;
      }
    },
    // The reports of Morph's export, the finished file last; the static page puts its own in its place.
    exportMorph: ({ b, ...request }, signal) => T.reports(`morph/${encodeURIComponent(b)}`, request, null, signal),
    // As fetchPicture, from the server; device_switch.js and the static page put their own source in its place.
    async pictureSource(path, params, signal) {
      const began = performance.now();
      const answer = await T.ask(T.url(path, { ...params, f: "raw" }), { signal });
      const picture = T.imageData(await answer.arrayBuffer(), answer.headers.get("X-Shape"));
      const roundMs = performance.now() - began;
      const modelMs = Number(/model;dur=([\d.]+)/.exec(answer.headers.get("Server-Timing") ?? "")?.[1] ?? NaN);
      return { picture, modelMs: modelMs <= roundMs ? modelMs : null, roundMs }; // longer: the browser had the picture already
    },
    // A function that asks for a picture at (path, params). The newest request wins: a few are on their way at once, more
    // the longer they take, and an older answer never replaces a newer one. show(picture, request) paints it; request has
    // what was asked for, and the `state` that was given with it.
    newestPicture(show) {
      let roundTrip = 50; // ms, lately
      let sent = 0;
      let shown = 0;
      let inFlight = 0;
      let waiting = null;
      let alone = false; // whether the source draws one after the other: then a second would only make the newest wait
      const mostAtOnce = () => (alone ? 1 : AT_ONCE.find(([most]) => roundTrip < most)[1]);
      const sendWaiting = () => {
        while (waiting && inFlight < mostAtOnce()) {
          const request = waiting;
          waiting = null;
          send(request, ++sent);
        }
      };
      const send = async (request, n) => {
        inFlight += 1;
        try {
          const answer = await T.fetchPicture(request.path, request.params);
          roundTrip += (answer.roundMs - roundTrip) / 8;
          alone = Boolean(answer.alone);
          if (n > shown) {
            shown = n;
            count(answer);
            show(answer.picture, request);
            T.reportLatency(answer.modelMs, answer.roundMs);
            T.endComplaint();
          }
        } catch (error) {
          if (n > shown) T.complain(error.message); // a newer picture is there otherwise
        } finally {
          inFlight -= 1;
          sendWaiting();
        }
      };
      return (path, params, state = null) => {
        waiting = { path, params, state };
        sendWaiting();
      };
    },
    // A function that fills small canvases, two at a time; a new set ends the one before. It resolves when that is over, to
    // whether all of them are drawn.
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
        let drawn = 0;
        const worker = async () => {
          while (queue.length && mine === run) {
            const job = queue.shift();
            try {
              const { picture } = await T.fetchPicture(job.path, job.params, signal);
              if (mine !== run) return;
              T.paint(job.canvas, picture);
              drawn += 1;
            } catch (error) {
              if (error.name !== "AbortError") T.complain(error.message);
            }
          }
        };
        await Promise.all([worker(), worker()]);
        return mine === run && drawn === jobs.length;
      };
    },
    // The path of a live picture. v, the bundle's version, keeps a cache from mixing two exports of a bundle.
    picturePath: (state = T.state, route = "") => `live/${encodeURIComponent(state.b)}${route}?v=${T.bundle(state.b).version}`,
    // The parameters of the picture of a state.
    pictureParams(state = T.state) {
      const { b, ...rest } = T.addressParams(state);
      return rest;
    },
  });
})();
