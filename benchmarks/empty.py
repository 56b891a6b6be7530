"""A Gradio app whose one event, /sample, does nothing: the cost of Gradio itself. `python -m benchmarks.empty PORT`."""

import sys

import gradio as gr

import demo  # noqa: F401  its settings, above all no analytics
from demo.page import launch_settings
from demo.routes.gradio_api import QUEUE


def sample(seeds: list[int], bundle: str = "", model: str = "", label: str = "", truncation: float = 1.0) -> dict:
    """Takes what the demo's /sample takes, and draws nothing."""
    return {"images": []}


def main(port: int) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        gr.api(sample, api_name="sample", **QUEUE)
    app.queue().launch(server_port=port, quiet=True, prevent_thread_lock=True, **launch_settings({}))
    print(f"Empty is at http://127.0.0.1:{port}", flush=True)
    app.block_thread()


if __name__ == "__main__":
    main(int(sys.argv[1]))
