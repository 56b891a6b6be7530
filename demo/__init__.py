"""Twofold's demo: serves bundles of ONNX graphs. Imports neither torch, nor train, nor export.

This is the one module of the package with an effect at import time. Each library below reads its
setting once, when it is itself imported or first used, so the settings must be in place before any
other module of this package runs.
"""

import os

from PIL import Image

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # later calls miss the first event that is sent
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Its queue keeps the last 10 000 events, and counts them all anew after each one: 50 ms, for a summary nobody sees.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)  # else a model file could set session options
Image.MAX_IMAGE_PIXELS = 8_000_000  # Pillow then raises above twice this, in Gradio's own decoding too
