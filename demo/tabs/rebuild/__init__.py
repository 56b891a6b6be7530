"""Rebuild: a picture through the models, what its code leaves open, its holes filled in."""
