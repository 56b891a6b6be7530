// Keeps the whole page in the browser, so that it opens without a network. What has another checksum is not kept: a file
// that was damaged on its way would stay so. The export writes two lines before this one (export/targets/offline.py):
// VERSION, and FILES, place → SHA-256.
const PREFIX = "twofold " + self.registration.scope + " "; // other pages of this host have caches of their own
const CACHE = PREFIX + VERSION;
const WHOLE = "twofold-whole"; // the entry that is kept last. Before, a page of another version would get files of both

// The file that an address stands for; undefined for others.
const placeOf = (url) => {
  const address = url.split(/[?#]/)[0];
  if (!address.startsWith(self.registration.scope)) return undefined;
  const place = decodeURIComponent(address.slice(self.registration.scope.length)) || "index.html";
  return place in FILES ? place : undefined;
};

const checksum = async (bytes) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// Takes a file from the network into the cache; from the server itself where the browser has an older one.
const take = async (cache, place) => {
  for (const mode of ["default", "reload"]) {
    const answer = await fetch(place, { cache: mode });
    const bytes = await answer.arrayBuffer();
    if (answer.ok && (await checksum(bytes)) === FILES[place]) {
      await cache.put(place, new Response(bytes, { headers: { "Content-Type": answer.headers.get("Content-Type") ?? "" } }));
      return;
    }
  }
  throw new Error(place); // what the server has is of another version, or was damaged
};

// Whether the server still has this version: a visit that was cut short may be followed by that of another one.
const isServed = async (place) => checksum(await (await fetch(place, { cache: "no-cache" })).arrayBuffer()).then((sum) => sum === FILES[place]);

let keeping = null; // the promise that everything is kept
const keep = async () => {
  const cache = await caches.open(CACHE);
  if (await cache.match(WHOLE)) return;
  for (const place of ["index.html", "facts.json"]) if (!(await isServed(place))) throw new Error(place);
  for (const place of Object.keys(FILES)) {
    if (!(await cache.match(place))) await take(cache, place);
  }
  await cache.put(WHOLE, new Response());
};
const keepOnce = () => {
  keeping ??= keep().finally(() => (keeping = null));
  return keeping;
};

// A new worker has all files before it takes the place of an older one; the first one waits until the page has drawn.
const replacesAnother = async () => (await caches.keys()).some((name) => name.startsWith(PREFIX));
self.addEventListener("install", (event) => event.waitUntil(replacesAnother().then((update) => update && keepOnce())));

const dropOthers = async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
};
self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));

self.addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  const done = (kept) => event.source.postMessage({ kept });
  event.waitUntil(keepOnce().then(() => done(true), () => done(false)));
});

const answer = async (request, place) => {
  const cache = await caches.open(CACHE);
  const kept = (await cache.match(WHOLE)) && (await cache.match(place));
  return kept ?? fetch(request);
};
self.addEventListener("fetch", (event) => {
  const place = event.request.method === "GET" ? placeOf(event.request.url) : undefined;
  if (place) event.respondWith(answer(event.request, place));
});
