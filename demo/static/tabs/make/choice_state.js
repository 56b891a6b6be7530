// Make, second step: what was chosen of the pictures, as a state that is never changed but replaced, so that any step can be
// undone. The server is told the difference only: two who choose at once do not undo each other's choices.
(() => {
  const T = window.Twofold;

  // The state in what GET /make/{project}/pictures says. out: files that are left out; classes: names; classOf: file -> name, ""
  // for none; crops: file -> [left, top, right, bottom].
  T.choiceState = (found) => ({
    out: new Set(found.left_out.filter((file) => found.files.includes(file))),
    classes: new Set(found.classes),
    classOf: { ...found.class_of },
    crops: { ...found.crops },
  });

  const setChanges = (before, after) => Object.fromEntries([...new Set([...before, ...after])].filter((one) => before.has(one) !== after.has(one)).map((one) => [one, after.has(one)]));
  const mapChanges = (before, after, gone) => {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return Object.fromEntries([...keys].filter((key) => String(before[key] ?? gone) !== String(after[key] ?? gone)).map((key) => [key, after[key] ?? gone]));
  };

  // The changes from one state to another, as POST /make/{project}/choice takes them.
  T.choiceChanges = (before, after) => ({
    left_out: setChanges(before.out, after.out),
    classes: setChanges(before.classes, after.classes),
    class_of: mapChanges(before.classOf, after.classOf, ""),
    crops: mapChanges(before.crops, after.crops, null),
  });

  // States after a step.
  T.choiceSteps = {
    toggled: (state, file) => {
      const out = new Set(state.out);
      if (!out.delete(file)) out.add(file);
      return { ...state, out };
    },
    leftOut: (state, files) => ({ ...state, out: new Set([...state.out, ...files]) }),
    sorted: (state, files, name) => ({ ...state, classOf: { ...state.classOf, ...Object.fromEntries(files.map((file) => [file, name])) } }),
    added: (state, name) => ({ ...state, classes: new Set([...state.classes, name]) }),
    // Renames a class; to "": deletes it, and its pictures are in none.
    renamed: (state, name, next) => {
      const classes = new Set(state.classes);
      classes.delete(name);
      if (next) classes.add(next);
      const classOf = Object.fromEntries(Object.entries(state.classOf).map(([file, old]) => [file, old === name ? next : old]));
      return { ...state, classes, classOf };
    },
    cropped: (state, file, part) => {
      const crops = { ...state.crops };
      delete crops[file];
      if (part) crops[file] = part;
      return { ...state, crops };
    },
  };

  // Sends changes one after the other; what comes while others are on their way is joined. send(changes) is a promise, told(answer)
  // gets what it gives, failed(error) why it did not. `.push(changes)`; `.idle()` resolves when all was sent.
  T.changeSender = (send, told, failed) => {
    let waiting = null;
    let working = Promise.resolve();
    let busy = false;
    const joined = (a, b) => Object.fromEntries(Object.keys(b).map((key) => [key, { ...a[key], ...b[key] }]));
    const work = async () => {
      busy = true;
      while (waiting) {
        const changes = waiting;
        waiting = null;
        try {
          told(await send(changes));
        } catch (error) {
          waiting = null;
          failed(error);
        }
      }
      busy = false;
    };
    return {
      push(changes) {
        waiting = waiting ? joined(waiting, changes) : changes;
        if (!busy) working = work();
      },
      idle: () => working,
    };
  };
})();
