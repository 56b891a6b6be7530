"""Twofold's demo: serves bundles of ONNX graphs. Imports neither torch nor train nor export.

This is the only module of the package with an effect when it is imported. The libraries below read their settings once,
when they are imported or first used, so the settings must be made before any other module of this package runs.
"""

from PIL import Image

from demo import environment

environment.take_over()
Image.MAX_IMAGE_PIXELS = 8_000_000  # Pillow raises above twice this, also when Gradio decodes
