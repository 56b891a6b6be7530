"""A plain Gradio slider over a bundle, through the queue, with which the live canvas is compared.

`python -m benchmarks.queued BUNDLE PROVIDER PORT`
"""

import sys
from pathlib import Path

import gradio as gr
import numpy as np

from bundle import images
from bundle.sessions import choose_provider
from demo.page import launch_settings
from demo.serving.served_bundle import open_bundles

SEEDS = 100  # that the slider runs over, with all that lies between


def main(bundle: Path, provider: str, port: int) -> None:
    models, _ = open_bundles(bundle, choose_provider(provider))
    served = next(iter(models.values()))

    def draw(x: float) -> np.ndarray:
        picture = images.to_uint8(served.at(x, 0.0, model=served.models[0]))[0]
        return picture[..., 0] if picture.shape[-1] == 1 else picture

    with gr.Blocks(analytics_enabled=False) as app:
        slider = gr.Slider(0, SEEDS, 0, step=0.01, label="x", elem_id="x")
        picture = gr.Image(format="png", elem_id="picture", show_label=False)
        slider.input(
            draw, slider, picture, trigger_mode="always_last", show_progress="hidden", api_visibility="private"
        )
    app.queue().launch(server_port=port, quiet=True, prevent_thread_lock=True, **launch_settings({}))
    print(f"Queued is at http://127.0.0.1:{port}", flush=True)
    app.block_thread()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
