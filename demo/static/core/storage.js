// What the browser keeps for this page. A browser may keep its storage closed to us; then nothing is remembered.
(() => {
  const T = window.Twofold;
  const PREFIX = "twofold.";

  T.storage = {
    // The text kept under a name; null where there is none.
    text(name) {
      try {
        return localStorage.getItem(PREFIX + name);
      } catch {
        return null;
      }
    },
    // What the JSON kept under a name says; null where there is none, or where it is broken.
    read(name) {
      try {
        return JSON.parse(T.storage.text(name));
      } catch {
        return null;
      }
    },
    // Keeps a text, or anything else as JSON; whether that worked.
    keep(name, value) {
      try {
        localStorage.setItem(PREFIX + name, typeof value === "string" ? value : JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
  };
})();
