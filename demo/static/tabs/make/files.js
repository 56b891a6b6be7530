// Make: files on their way, from what was dropped or chosen to the server.
(() => {
  const T = window.Twofold;

  const PIECE = 4_000_000; // bytes of a request

  // All files in what was dropped, each with the path that it has in its folder: [{ file, name }]. Folders are read where the
  // browser can.
  T.droppedFiles = async ({ items, files }) => {
    const found = [];
    const walk = async (entry) => {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.push({ file, name: entry.fullPath.replace(/^\//, "") });
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

  // Sends one file in pieces. Where an answer was lost, the server says how much it has, and the file goes on from there.
  // sent(bytes) is called after each; gives what became of the file.
  T.sendFile = async (project, { file, name }, sent) => {
    const id = Math.random().toString(36).slice(2);
    let at = 0;
    for (;;) {
      const piece = file.slice(at, at + PIECE);
      const address = T.url(`make/${project}/files`, { id, name, at, of: file.size });
      const answer = await (await T.ask(address, { method: "PUT", body: piece, headers: T.makeHeaders })).json();
      sent(answer.received - at);
      at = answer.received;
      if (answer.stored !== undefined) return answer;
    }
  };
})();
