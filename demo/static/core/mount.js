// Starts the widgets of Gradio's page once everything that they share is there: the facts, and the words of the language.
// The static page has its own start in export/targets/page/page.js.
(() => {
  const T = window.Twofold;
  const here = document.currentScript.src;

  const words = () =>
    new Promise((done) => {
      if (T.language === "en") done();
      else document.head.append(T.el("script", { src: new URL(`words.${T.language}.js`, here), onload: done, onerror: done })); // without words the page is English
    });
  let start;
  const started = new Promise((done) => (start = done));
  T.widgets = {}; // by name: functions of an element, which page.js adds
  // Called by facts.js.
  T.start = async (facts) => {
    await words();
    T.init(facts);
    start();
  };
  // Called by each widget's gr.HTML when it is on the page.
  T.mountWidget = async (name, element) => {
    await started;
    T.widgets[name](element);
  };
})();
