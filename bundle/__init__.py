"""The ground floor: what a bundle is, and the arithmetic of its latents and pictures. Every other room stands on it.

numpy, Pillow, pydantic and onnxruntime only: no torch, no Gradio, nothing of train, export or demo.

onnxruntime reads these variables once, when it is first imported, so they are set before any module of this package.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)  # else a model file could set session options
