"""One training step each: classifier, GAN, VAE and the mask encoders."""
