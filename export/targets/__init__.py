"""Targets beside the demo: what a bundle becomes elsewhere. One module each."""
