// The stages of a training in words, for Make, Compare, About and the page of a run.
(() => {
  const T = window.Twofold;

  // Stage -> [what it is called, what its snapshots or sheets show].
  T.trainingStages = () => ({
    vae: [T.t("VAE"), T.t("Above, pictures of yours that it never learns from; below, what the VAE rebuilds of them.")],
    gan: [T.t("GAN"), T.t("What the GAN draws, always from the same noise.")],
    inverter: [T.t("GAN inversion"), T.t("A picture of yours, what is shown of it, and the nearest that the GAN can draw.")],
    repair: [T.t("VAE repair"), T.t("A picture of yours, what is shown of it, and how the VAE completes it.")],
    classifier: [T.t("Classifier"), T.t("What its first layer looks for. It tells the classes apart.")],
    attributes: [T.t("Attributes"), T.t("What its first layer looks for. It reads the attributes.")],
  });
  // What one is called; a stage of a later version by its own name.
  T.trainingStage = (name) => T.trainingStages()[name]?.[0] ?? name;
})();
