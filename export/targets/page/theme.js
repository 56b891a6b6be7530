// Before the first paint: light or dark as the device asks, now and whenever that changes; and a word to whoever opened
// the page as a file, where browsers run no modules.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", follow);
  follow();
  if (location.protocol !== "file:") return;
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("tf-file").hidden = false;
    document.getElementById("tf-start").hidden = true;
  });
})();
