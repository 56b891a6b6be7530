// The address of the page: what it asks for, and how the page writes its state back into it.
(() => {
  const T = window.Twofold;

  // Names that old links use, and what they are called now. demo/routes/query_parameters.py has those of the server's routes.
  const OLD_NAMES = { r: "right", s: "seed", g: "grid", k: "oneclass" };
  const STATE = ["b", "m", "c", "t", "x", "y", "attributes"];
  const PAUSE = 350; // ms between two changes: browsers refuse more than about three a second

  // The parameters of an address, under their names of today.
  const parametersOf = (address) => {
    const query = new URL(address).searchParams;
    for (const [old, name] of Object.entries(OLD_NAMES)) {
      if (query.has(old) && !query.has(name)) query.set(name, query.get(old));
      query.delete(old);
    }
    return query;
  };

  Object.assign(T, {
    query: parametersOf(location.href), // as the page was opened
    // The parameters of an address that leads to a state.
    addressParams(state = T.state) {
      const [t, x, y] = [state.t, state.x, state.y].map(T.fourDecimals);
      const moves = state.attributes ? { attributes: state.attributes } : {};
      return { b: state.b, m: state.m, ...(state.c === null ? {} : { c: state.mix || state.c }), t, x, y, ...moves };
    },
    addressNotes: {}, // what tabs add: names and values, null where there is nothing to say
    // Writes what a tab adds.
    noteInAddress(pairs) {
      const before = JSON.stringify(T.addressNotes);
      Object.assign(T.addressNotes, pairs);
      if (JSON.stringify(T.addressNotes) !== before) T.updateAddress();
    },
    // Called by a tab when it opens and when it closes, in any order.
    noteOpenTab(name, open) {
      if (open) T.noteInAddress({ tab: name });
      else if (T.addressNotes.tab === name) T.noteInAddress({ tab: null });
    },
    // The address that leads to this state.
    link(state = T.state) {
      const url = new URL(location.href);
      const query = parametersOf(location.href);
      for (const [name, value] of Object.entries(T.addressNotes)) {
        if (value === null) query.delete(name);
        else query.set(name, value);
      }
      for (const name of STATE) query.delete(name);
      for (const [name, value] of Object.entries(T.addressParams(state))) query.set(name, value);
      url.search = query;
      return url.href;
    },
    // Writes the state into the address bar, soon.
    updateAddress() {
      clearTimeout(T.addressTimer);
      T.addressTimer = setTimeout(() => history.replaceState(history.state, "", T.link()), PAUSE);
    },
    // Opens a tab by its id, as soon as it is there.
    openTab(name, tries = 200) {
      if (!name) return;
      const tab = document.querySelector(`#tf-tabs [role="tab"][data-tab-id="${CSS.escape(name)}"]`);
      if (tab) tab.click();
      else if (tries) setTimeout(() => T.openTab(name, tries - 1), 50);
    },
    // The tabs' buttons, in their order.
    tabs: () => [...document.querySelectorAll("#tf-tabs [role='tablist'] [role='tab']")],
    // An address of this server, wherever the page lies: `path` is relative to the page.
    url(path, params = {}) {
      const url = new URL(path, document.baseURI.split(/[?#]/)[0]);
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
      return url.href;
    },
  });
})();
