"""The page: bar, tabs, public endpoints, and how it is served."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from starlette.routing import Route

from demo import compare_routes, files, live
from demo.api import add_endpoints
from demo.bundle import Unavailable
from demo.facts import RECIPE, facts, rebuilds
from demo.studio import Studio
from demo.tabs import about, compare, morph, play, rebuild
from demo.widgets import CSS, widget

TITLE = "Twofold"
WEIGHTS = (400, 700)  # of the fonts; the 600 that Gradio ships lacks most letters
KEEP_FILES = (3600, 3600)  # seconds: how often to look, and how long an upload of an API client may stay


def build_demo(studios: Mapping[str, Studio], unavailable: Sequence[Unavailable] = (), uploads: bool = False,
               ) -> gr.Blocks:  # fmt: skip
    """The page over these studios. With none, it says how to make a bundle. Launch it with launch_settings.

    `uploads`: whether visitors may bring models; the routes of demo.uploads belong to that."""
    known = facts(studios, unavailable) | {"uploads": uploads}
    with gr.Blocks(title=TITLE, fill_width=True, delete_cache=KEEP_FILES, analytics_enabled=False) as demo:
        widget("bar", known, "pair")
        if studios:
            with gr.Tabs(elem_id="tf-tabs", overflow_behavior="wrap"):
                with gr.Tab("Play", id="play"):
                    play.build(known)
                with gr.Tab("Morph", id="morph"):
                    morph.build(known, studios)
                if any(rebuilds(studio) for studio in studios.values()):
                    with gr.Tab("Rebuild", id="rebuild"):
                        rebuild.build(known, studios)
                with gr.Tab("Compare", id="compare", elem_id="tf-tab-compare"):
                    compare.build(known, studios)
                with gr.Tab("About", id="about"):
                    about.build(known)
        else:
            gr.Markdown(_without_bundles(unavailable), elem_id="tf-empty")
        add_endpoints(studios)
    return demo.queue(max_size=live.MAX_WAITING)


def launch_settings(studios: Mapping[str, Studio], unavailable: Sequence[Unavailable] = (),
                    more: Sequence[Route] = ()) -> dict[str, Any]:  # fmt: skip
    """The arguments of `launch` that belong to this page, wherever it is served; `more`: further routes."""
    return {
        "theme": theme(),
        "css_paths": list(CSS),
        "footer_links": ["api", "settings"],
        "run_history": False,
        "max_file_size": "5mb",
        "enable_monitoring": False,
        "ssr_mode": False,
        "app_kwargs": {
            "routes": [
                *live.routes(studios, unavailable),
                *files.routes(studios),
                *compare_routes.routes(studios),
                *more,
            ]
        },
    }


def theme() -> gr.themes.Base:
    """Quiet greys and one blue; fonts that Gradio itself serves, so that the page works offline."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=[gr.themes.LocalFont("IBM Plex Sans", WEIGHTS), "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", WEIGHTS), "ui-monospace", "monospace"],
    )


def _without_bundles(unavailable: Sequence[Unavailable]) -> str:
    broken = "".join(f"\n- **{one.name}** is unavailable: {one.reason}" for one in unavailable)
    return f"""## There are no models here yet

Twofold shows bundles: folders with a GAN or a VAE as ONNX files. Train one on pictures of yours, export it, and
start again:

```
{RECIPE}
```

A bundle from elsewhere works too: put its folder into `artifacts/`, or name its place with `--bundles`.
{broken}
"""
