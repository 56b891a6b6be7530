// Lets the browser keep the whole page once it has drawn its first picture; not where a visitor saves data. T.keptOffline
// says whether it is kept; "twofold-kept" on the document, that it is now.
const T = window.Twofold;
const LOOK = 500; // ms between two looks whether a picture was drawn

const drawn = () =>
  new Promise((resolve) => {
    const look = setInterval(() => {
      if (!T.stats.shown) return;
      clearInterval(look);
      resolve();
    }, LOOK);
  });

export const keepOffline = async () => {
  T.keptOffline = null; // nobody knows yet
  const workers = navigator.serviceWorker; // none on insecure pages
  if (!workers || navigator.connection?.saveData) return;
  workers.addEventListener("message", ({ data }) => {
    T.keptOffline = data.kept === true;
    if (T.keptOffline) document.dispatchEvent(new Event("twofold-kept"));
  });
  await drawn();
  try {
    await workers.register("service-worker.js");
    (await workers.ready).active.postMessage("keep");
  } catch {
    // A browser may forbid it, as in a private window; then the page needs its network.
  }
};
