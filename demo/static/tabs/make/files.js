// Make: files on their way, from what was dropped or chosen to the server.
(() => {
  const T = window.Twofold;

  const PIECE = 4_000_000; // bytes of a request
  const WAITS = [500, 1000, 2000, 4000, 8000, 16_000, 16_000, 16_000]; // ms before a piece is sent again, while nobody answers

  // All files in what was dropped, each with the path that it has in its folder: [{ file, name }]. Folders are read where the
  // browser can. Of what cannot be read, file is null.
  T.droppedFiles = async ({ items, files }) => {
    const found = [];
    const walk = async (entry) => {
      const name = entry.fullPath.replace(/^\//, "");
      try {
        await walkInto(entry, name);
      } catch {
        found.push({ file: null, name }); // moved away, or in a folder that is closed
      }
    };
    const walkInto = async (entry, name) => {
      if (entry.isFile) {
        found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name });
        return;
      }
      const reader = entry.createReader();
      for (;;) {
        const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!entries.length) return;
        for (const inner of entries) await walk(inner);
      }
    };
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...files]; // read before the first wait, after which nothing dropped can be read
    for (const entry of entries) await walk(entry);
    return entries.length ? found : T.namedFiles(plain);
  };

  // The files of a file field, named as above.
  T.namedFiles = (list) => [...list].map((file) => ({ file, name: file.webkitRelativePath || file.name }));

  // Sends one file in pieces. Where an answer was lost, the server says how much it has, and the file goes on from there;
  // where none comes, it is asked for again for a minute. sent(bytes) is called after each piece, waiting() before each
  // new try; gives what became of the file.
  T.sendFile = async (project, { file, name }, sent, waiting = () => {}) => {
    const id = Math.random().toString(36).slice(2);
    let at = 0;
    let tries = 0;
    for (;;) {
      let piece;
      try {
        piece = await file.slice(at, at + PIECE).arrayBuffer();
      } catch {
        return { stored: 0, tables: 0, refused: { "cannot be read": 1 } }; // it was moved away since
      }
      const address = T.url(`make/${project}/files`, { id, name, at, of: file.size });
      let answer;
      try {
        answer = await (await T.ask(address, { method: "PUT", body: piece, headers: T.makeHeaders })).json();
      } catch (failure) {
        if (failure.status !== undefined || tries === WAITS.length) throw failure;
        waiting();
        await new Promise((resolve) => setTimeout(resolve, WAITS[tries]));
        tries += 1;
        continue;
      }
      tries = answer.received > at ? 0 : tries + 1; // nothing of the piece arrived
      if (tries > WAITS.length) throw new Error(T.t("The server does not answer. Is it still running?"));
      sent(answer.received - at);
      at = answer.received;
      if (answer.stored !== undefined) return answer;
    }
  };
})();
