// Starts the widgets of Gradio's page once everything that they share is there: the facts, and the words of the language.
// The static page has its own start in export/targets/page/page.js.
(() => {
  const T = window.Twofold;
  const here = document.currentScript.src;

  // Resolves when the words are loaded, or cannot be: without them the page is English.
  const loadWords = () =>
    new Promise((resolve) => {
      if (T.language === "en") resolve();
      else document.head.append(T.el("script", { src: new URL(`words.${T.language}.js`, here), onload: resolve, onerror: resolve }));
    });
  let start;
  const started = new Promise((resolve) => (start = resolve));
  // Where another script of the page is.
  T.scriptAddress = (name) => new URL(name, here).href;
  T.widgets = {}; // by name: functions of an element, which page.js adds
  // Called by facts.js.
  T.start = async (facts) => {
    await loadWords();
    T.init(facts);
    start();
  };
  // Called by each widget's gr.HTML when it is on the page.
  T.mountWidget = async (name, element) => {
    await started;
    T.widgets[name](element);
  };
})();
