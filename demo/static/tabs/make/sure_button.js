// Make: a button that asks once more before it does something that cannot be undone.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // question: what it then says, or a function that gives it.
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
        return;
      }
      button.disabled = true;
      await action();
      button.disabled = false;
      calm();
    });
    return button;
  };
})();
