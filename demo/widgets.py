"""Our own widgets: one gr.HTML each, whose look and behaviour live in demo/static/<name>.js.

The templates are empty and the scripts build the page with the DOM. Gradio evaluates templates as
JavaScript, so a class name such as "${…}" in a bundle would otherwise run as code.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from bundle.translations import script, tables

STATIC = Path(__file__).resolve().parent / "static"
TOLD = ("server", "quality", "worker")  # words for what the server, bundles and the worker say in English
CSS = tuple(sorted(STATIC.glob("*.css")))


def widget(name: str, facts: dict[str, Any], *helpers: str) -> gr.HTML:
    """The widget in static/<name>.js. `helpers` are further scripts of that folder that it needs."""
    scripts = ("core", "live", *helpers)
    spoken = script(tables(STATIC / "words", *scripts, name, *TOLD)).replace("<", "\\u003c")
    shared = f"<script>{spoken}</script>" + "".join(f"<script>{_script(helper)}</script>" for helper in scripts)
    return gr.HTML(
        html_template="",
        js_on_load=_script(name),
        head=shared,
        apply_default_css=False,
        elem_id=f"tf-{name}",
        elem_classes=["tf-widget"],
        facts=facts,
    )


def _script(name: str) -> str:
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")
