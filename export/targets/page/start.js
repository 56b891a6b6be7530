// Before everything else: a word to whoever opened the page as a file, where browsers run no modules; and which script did
// not arrive, in place of "Loading …", as no other script can say it then. What page.js loads, it looks after itself.
(() => {
  const show = (id) => {
    document.getElementById("tf-start").hidden = true;
    document.getElementById(id).hidden = false;
  };
  if (location.protocol === "file:") {
    addEventListener("DOMContentLoaded", () => show("tf-file"));
    return;
  }
  const missing = ({ target }) => {
    if (!target.src || !document.getElementById("tf-start")) return; // no script, or the page is there
    for (const name of document.querySelectorAll("#tf-missing code")) name.textContent = target.src.split("/").pop();
    show("tf-missing");
  };
  addEventListener("error", missing, true);
})();
