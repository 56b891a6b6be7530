// Requests to the server. Where one fails, it rejects with an Error whose message says what failed: the server is gone, it is
// busy, or it refuses for a reason; `status` is that of the answer, if there was one.
(() => {
  const T = window.Twofold;

  const KEPT = 200; // images that are not loaded again
  const images = new Map(); // promises of them by address

  // Why an answer is not a good one: the server's own sentence where it gives one (demo/routes/model_requests.py as text,
  // demo/routes/exception_handlers.py as JSON).
  const reasonOf = async (answer) => {
    const text = await answer.text().catch(() => "");
    const type = answer.headers.get("Content-Type") ?? "";
    if (type.startsWith("text/plain") && text) return text;
    const detail = type.startsWith("application/json") && /^\{"detail":"([^"\\]+)"\}$/.exec(text)?.[1];
    if (detail) return detail;
    if (answer.status === 503 || answer.status === 429) return T.busyMessage;
    return T.t("The request failed with status {status}; try again.", { status: answer.status });
  };

  // What the server sends, or an error that says it is gone.
  const reachable = async (sending) => {
    try {
      return await sending;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error(T.t("The server does not answer. Is it still running?"));
    }
  };
  const posted = async (path, request, picture, signal) => {
    const form = new FormData();
    form.append("request", JSON.stringify(request));
    if (picture) form.append("picture", await (await fetch(picture)).blob(), "picture");
    return T.ask(T.url(path), { method: "POST", body: form, signal });
  };

  Object.assign(T, {
    // The good answer to a request to `url`.
    async ask(url, settings) {
      const answer = await reachable(fetch(url, settings));
      if (answer.ok) return answer;
      throw Object.assign(new Error(await reasonOf(answer)), { status: answer.status });
    },
    // What the server answers at a path of the page, from JSON.
    getJson: async (path, params) => (await T.ask(T.url(path, params))).json(),
    // The image at an address, once it is loaded; the last 200 are kept. Rejects where there is none.
    imageAt(url) {
      if (!images.has(url)) {
        if (images.size >= KEPT) images.delete(images.keys().next().value);
        const image = new Image();
        image.src = url;
        const loading = image.decode().then(() => image);
        loading.catch(() => images.delete(url));
        images.set(url, loading);
      }
      return images.get(url);
    },
    // What the server answers, from JSON, when it is posted a request and, as a file, the picture of a data URL. The other
    // end: demo/routes/bundle_routes.py.
    post: async (path, request, picture) => (await posted(path, request, picture)).json(),
    // Posts the same, and yields the reports of work that takes seconds as they arrive. Aborting `signal` ends the work on
    // the server, too.
    async *reports(path, request, picture, signal) {
      const reader = (await posted(path, request, picture, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reachable(reader.read());
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
  });
})();
