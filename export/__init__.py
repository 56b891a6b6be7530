"""Twofold's export: a run folder becomes a bundle of ONNX graphs. May import train and bundle; demo never imports it.

python -m export bundle runs/mnist artifacts/mnist
"""

import bundle  # noqa: F401  sets what onnxruntime reads once, when it is first imported
