"""A bundle, a picture, a page, in forty lines: `python examples/minimal.py artifacts/mnist`.

Needs demo/requirements.txt only. The page asks for a seed and shows what the GAN and the VAE draw of it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it runs from a bare clone

import gradio as gr
import numpy as np

from bundle.images import to_uint8, upscale
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner


def main(folder: Path) -> None:
    """Read the bundle in `folder` (every file is verified), then serve a page on http://127.0.0.1:7860."""
    model = BundleModel(BundleRunner(read(folder)))

    def draw(seed: float, truncation: float) -> list[np.ndarray]:
        """One picture for each model, uint8 [H, W, C]. The same seed always gives the same pictures."""
        images = [model.sample([int(seed)], truncation=truncation, model=name) for name in model.models]
        return [upscale(to_uint8(image)[0]).squeeze() for image in images]

    page = gr.Interface(
        draw,
        inputs=[gr.Number(7, label="Seed", precision=0), gr.Slider(0, 1.5, 1.0, label="Truncation")],
        outputs=[gr.Image(label=name.upper()) for name in model.models],
        title=model.info.title,
        live=True,
        analytics_enabled=False,  # nothing is sent anywhere
    )
    page.launch()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/mnist"))
