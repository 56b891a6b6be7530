"""Explore: the latent map."""
