"""onnxruntime-web, with which pages draw in the browser: `python -m demo.web` puts it into this folder."""
