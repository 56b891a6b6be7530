"""The page: bar, tabs, public endpoints, and how it is served."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bundle.read import Unavailable
from demo.facts import facts, rebuilds
from demo.routes import (
    compare,
    device,
    explore,
    files,
    health,
    live,
    morph,
    page_files,
    prometheus,
    rebuild,
    training_film,
    verify,
)
from demo.routes.call_checks import CheckedCalls
from demo.routes.cancelled_calls import CancelledCalls
from demo.routes.exception_handlers import HANDLERS
from demo.routes.gradio_api import add_endpoints
from demo.routes.model_requests import ModelRequests
from demo.routes.not_modified import NotModified
from demo.serving.served_bundle import ServedBundle
from demo.static_files import CSS, PAGE_WORDS
from demo.widgets import first_widget, make_widget, widget

TITLE = "Twofold"
CHINESE_FONTS = ("Noto Sans SC", "PingFang SC", "Microsoft YaHei")  # of the visitor's system: none is fetched
FONT_WEIGHTS = (400, 700)  # of the fonts; the 600 that Gradio ships lacks most letters
I18N = gr.I18n(en={word: word for word in PAGE_WORDS["zh-CN"]}, **PAGE_WORDS)
# Seconds: how often Gradio looks, and how long an upload stays. demo/serving/housekeeping.py deletes what is left.
KEEP_FILES = (600, 3000)
# Calls that Gradio has begun; more wait in a queue of its own, by order of arrival. More than demo/serving/calls.py
# holds, which gives turns.
MAX_CALLS = 256
KEEP_SESSIONS = 128  # of Gradio's state for each visitor, which it makes anew where it is needed


class Page(gr.Blocks):
    """Gradio's page of our widgets, with the `facts` that they share; demo/routes/page_files.py serves those."""

    def __init__(self, known: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(**settings)
        self.facts = known


def build_demo(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable] = (), uploads: bool = False,
               mcp: bool = False, make: bool = False) -> Page:  # fmt: skip
    """The page over these bundles. With none, it says how to make a bundle. Launch it with launch_settings.

    `uploads`: whether visitors may bring models, which needs the routes of demo.routes.uploads. `mcp`: whether
    assistants may use the endpoints, which needs the routes of demo.routes.mcp_tools. `make`: whether visitors may
    train generators, which needs the routes of demo.routes.make_routes.
    """
    known = facts(bundles, unavailable) | {"uploads": uploads, "mcp": mcp, "make": make, "page": PAGE_WORDS}
    with Page(known, title=TITLE, fill_width=True, delete_cache=KEEP_FILES, analytics_enabled=False) as demo:
        first_widget("bar", known)
        if bundles:
            with gr.Tabs(elem_id="tf-tabs", overflow_behavior="wrap"):
                with gr.Tab(I18N("Play"), id="play"):
                    widget("play")
                with gr.Tab(I18N("Morph"), id="morph"):
                    widget("morph")
                if any(rebuilds(served) for served in bundles.values()):
                    with gr.Tab(I18N("Rebuild"), id="rebuild"):
                        widget("rebuild")
                with gr.Tab(I18N("Explore"), id="explore"):
                    widget("explore")
                with gr.Tab(I18N("Compare"), id="compare"):
                    widget("compare")
                    widget("quiz")
                if make:
                    with gr.Tab(I18N("Make"), id="make"):
                        make_widget()
                with gr.Tab(I18N("API"), id="api"):
                    widget("api")
                with gr.Tab(I18N("About"), id="about"):
                    widget("about")
        elif make:
            make_widget()
        else:
            widget("empty")
        add_endpoints(bundles)
    for block in demo.blocks.values():
        _describe_once(block)
    demo.queue(max_size=None)  # demo/routes/gradio_api.py bounds it, and fairly
    return demo


def _describe_once(block: Block) -> None:
    """Keep Gradio's description of a component. Gradio computes it again for each session, and every request of a
    program is a session: for this page that took 5 to 20 ms, longer than drawing a picture."""
    described = functools.cache(block.get_config)
    vars(block)["get_config"] = lambda: dict(described())  # a copy: each session writes its own values into it


def launch_settings(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable] = (),
                    more: Sequence[BaseRoute] = (), lifespan: Callable | None = None) -> dict[str, Any]:  # fmt: skip
    """The arguments of `launch` that belong to this page, wherever it is served. `more`: further routes. `lifespan`: a
    context manager that is open as long as the server runs (Starlette's `lifespan`)."""
    requests = ModelRequests()
    routes: list[BaseRoute] = []
    for tab in (live, morph, rebuild, explore, compare, training_film, verify):
        routes += tab.routes(bundles, requests)
    routes += [*files.routes(bundles), *device.routes(bundles), *page_files.routes()]
    routes += [*health.routes(bundles, unavailable), *prometheus.routes(bundles), *more]
    return {
        "theme": theme(),
        "css_paths": list(CSS),
        "i18n": I18N,
        "footer_links": ["api", "settings"],
        "run_history": False,
        "state_session_capacity": KEEP_SESSIONS,
        "max_file_size": "5mb",
        "max_threads": MAX_CALLS,
        "enable_monitoring": False,
        "ssr_mode": False,
        "app_kwargs": {
            "routes": routes,
            "middleware": [
                Middleware(NotModified),
                Middleware(page_files.CompressedPage),
                Middleware(CheckedCalls),
                Middleware(CancelledCalls),
            ],
            "exception_handlers": HANDLERS,
        }
        | ({"lifespan": lifespan} if lifespan else {}),
    }


def theme() -> gr.themes.Base:
    """Quiet greys and one blue; fonts that Gradio itself serves, so that the page works offline."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=[gr.themes.LocalFont("IBM Plex Sans", FONT_WEIGHTS), "system-ui", *CHINESE_FONTS, "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", FONT_WEIGHTS), "ui-monospace", "monospace"],
    )
