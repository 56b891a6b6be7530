// API: the picture on screen as code, the endpoints behind the page, and the bundle's files.
const T = window.Twofold;
const { el } = T;

const home = T.url("");
const quiet = (text) => el("p", { class: "tf-quiet" }, text);
const heading = (text) => el("h3", {}, text);
const HINTS = {
  Python: T.t("Needs numpy, pillow and onnxruntime. Downloads the files from this server and draws the picture itself."),
  JavaScript: T.t("Needs onnxruntime-web; runs in Node and in browsers. In your own page, put it into a script of type module."),
  gradio_client: T.t("Needs gradio_client. The server draws."),
  curl: T.t("The server draws. The first line is enough; any others call an endpoint by name."),
};

// --- the picture as code ---------------------------------------------------------------------------
let snippets = [];
let chosen = "Python";
const code = T.code("");
code.setAttribute("aria-label", T.t("Code"));
const description = quiet("");
const install = quiet("");
const hint = quiet("");
const languages = el("div", { class: "tf-inline tf-code-bar" });
const current = () => snippets.find(([name]) => name === chosen) ?? snippets[0];

const show = () => {
  const [name, command, text] = current();
  code.firstChild.textContent = text;
  hint.textContent = HINTS[name];
  install.replaceChildren(...(command ? [el("code", { class: "tf-install" }, command)] : []));
};
const choose = (name) => {
  chosen = name;
  show();
};
const copy = T.copyButton(T.t("Copy code"), () => current()[2]);
const fill = () => {
  snippets = T.snippets(T.state, T.bundle(), home);
  const names = snippets.map(([name]) => name);
  if (!names.includes(chosen)) chosen = names[0];
  if (languages.dataset.names !== names.join()) {
    languages.dataset.names = names.join();
    languages.replaceChildren(T.segmented("tf-code-language", T.t("Language"), names.map((name) => [name, name]), chosen, choose), copy);
  }
  description.textContent = T.t("Draws what is on screen: {picture}", { picture: [T.bundle().title, T.state.m.toUpperCase(), T.describe()].join(" · ") });
  show();
};

// --- the endpoints ---------------------------------------------------------------------------------
const endpoint = ({ name, about, details, arguments: given, returns }) =>
  el(
    "details",
    { class: "tf-endpoint" },
    el("summary", {}, el("code", {}, name), el("span", {}, about)),
    el("code", { class: "tf-signature" }, `(${given.join(", ")}) → ${returns}`),
    details ? quiet(details) : null,
  );
const address = (path, text = `/${path}`) => el("a", { href: T.url(path), target: "_blank", rel: "noopener" }, text);
const row = (link, about) => el("div", {}, el("dt", {}, link), el("dd", {}, about));
const live = address("live", "/live/…");
const pointLive = () => live.setAttribute("href", T.url(`live/${encodeURIComponent(T.state.b)}`)); // of the bundle on screen
const mcp = () => {
  const url = T.url("mcp");
  return T.facts.mcp
    ? [
        quiet(T.t("Assistants that speak the Model Context Protocol can use the endpoints as tools. The address to give them:")),
        el("div", { class: "tf-inline" }, el("code", { class: "tf-install" }, url), T.copyButton(T.t("Copy"), () => url, T.t("Copy the MCP address"))),
      ]
    : [quiet(T.t("Start the server with --mcp, and assistants that speak the Model Context Protocol can use the endpoints as tools."))];
};
const endpoints = el(
  "section",
  { class: "tf-card" },
  heading(T.t("Endpoints")),
  quiet(T.t("Call them by name from gradio_client, curl or any program. Every argument is checked; a wrong one is answered with a sentence.")),
  el("div", { class: "tf-endpoints" }, ...T.facts.endpoints.map(endpoint)),
);
const more = el(
  "section",
  { class: "tf-card" },
  heading(T.t("Addresses")),
  el(
    "dl",
    { class: "tf-facts" },
    row(live, T.t("One picture, without the queue: m, c, t, x and y as in a link, f=raw for raw bytes")),
    row(address("healthz"), T.t("Health of the server, as JSON")),
    row(address("metrics"), T.t("Metrics for Prometheus")),
    row(address("gradio_api/openapi.json", "openapi.json"), T.t("The endpoints for other tools, as OpenAPI")),
    row(address("web/twofold.js"), T.t("Opens and draws a bundle in JavaScript, as one module")),
  ),
  el("h4", {}, "MCP"),
  ...mcp(),
);

// --- the files -------------------------------------------------------------------------------------
const files = el("section", { class: "tf-card tf-wide" });
const listFiles = () => {
  const rows = T.bundle().downloads.map((d) => [
    el("a", { href: T.url(d.url), download: d.file }, d.file),
    T.translate(d.about),
    d.parameters === null ? "" : T.wholeNumber(d.parameters),
    T.bytes(d.bytes),
    el(
      "span",
      { class: "tf-checksum" },
      el("code", { title: d.sha256 }, `${d.sha256.slice(0, 12)}…`),
      T.copyButton(T.t("Copy"), () => d.sha256, T.t("Copy the SHA-256 of {file}", { file: d.file })),
    ),
  ]);
  files.replaceChildren(
    heading(T.t("Files")),
    quiet(T.t("Images are float32 [N, C, H, W] from 0 to 1. Every graph takes any batch size and uses no random numbers.")),
    T.table(T.t("Files of this bundle"), [T.t("File"), T.t("What it does"), T.t("Parameters"), T.t("Size"), "SHA-256"], rows, "tf-files"),
  );
};

element.replaceChildren(
  el(
    "div",
    { class: "tf-about tf-api" },
    el("section", { class: "tf-card tf-wide" }, heading(T.t("This picture as code")), description, languages, code, el("div", { class: "tf-inline" }, hint, install)),
    endpoints,
    more,
    files,
  ),
);
T.on((after, before) => {
  if (T.visible(element)) fill();
  if (after.b === before.b) return;
  listFiles();
  pointLive();
});
// Updated only while visible: the state changes thirty times a second while a picture is dragged.
new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && fill()).observe(element);
fill();
listFiles();
pointLive();
