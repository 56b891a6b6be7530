"""Twofold's demo: serves bundles of ONNX graphs. Imports neither torch nor train nor export.

This is the only module of the package with an effect when it is imported. The libraries below read their settings once,
when they are imported or first used, so the settings must be made before any other module of this package runs.
"""

import os

from PIL import Image

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # a later call would miss the first event
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Its queue keeps the last 10 000 events and counts them all again after each one: 50 ms, for a summary nobody sees.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)  # otherwise a model file could set session options
Image.MAX_IMAGE_PIXELS = 8_000_000  # Pillow raises above twice this, also when Gradio decodes
