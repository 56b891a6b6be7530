// Make: a button that asks once more before it does something that cannot be undone.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // question: what it then says, or a function that gives it. `.calm()` takes the question back: what it was asked about is no
  // longer shown.
  T.sureButton = (text, question, action) => {
    let sure = false;
    const button = el("button", { type: "button", class: "tf-button" }, text);
    const calm = () => {
      sure = false;
      button.textContent = text;
    };
    button.addEventListener("blur", calm);
    button.addEventListener("click", async (event) => {
      if (event.detail > 1) return; // the second half of a double click answers nothing
      if (!sure) {
        sure = true;
        button.textContent = typeof question === "function" ? question() : question;
        button.focus(); // not every browser focuses what is clicked, and only from the focus comes a blur
        return;
      }
      button.disabled = true;
      await action();
      button.disabled = false;
      calm();
    });
    button.calm = calm;
    return button;
  };
})();
