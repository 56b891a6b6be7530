"""Explore: the latent map, and directions in latent space."""
