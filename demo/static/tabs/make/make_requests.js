// Make: requests that change something. Pages of other sites cannot send their header.
(() => {
  const T = window.Twofold;

  T.makeHeaders = { "X-Twofold": "make" };
  // What the server answers, from JSON, when it is posted a value as JSON.
  T.makePost = async (path, value) => (await T.ask(T.url(path), { method: "POST", body: JSON.stringify(value), headers: { ...T.makeHeaders, "Content-Type": "application/json" } })).json();
  // Makes a bundle of what a project has learned so far; its facts.
  T.makePlay = async (name) => (await T.ask(T.url(`make/${name}/play`), { method: "POST", headers: T.makeHeaders })).json();
})();
