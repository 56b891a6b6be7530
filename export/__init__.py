"""Twofold's export: a run folder becomes a bundle of ONNX graphs. May import train and demo; nothing imports it.

    python -m export bundle runs/mnist artifacts/mnist

onnxruntime reads its setting once, when it is first imported, so it is set here.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
