"""Morph: keyframes, the path through them, and every file it can be saved as."""
