"""Our own widgets: one gr.HTML each, whose look and behaviour live in demo/static.

The templates are empty and the scripts build the page with the DOM. Gradio evaluates templates as JavaScript, so a
class name such as "${…}" in a bundle would otherwise run as code. Gradio's page repeats a component's arguments three
times, so a widget carries the addresses of its scripts (demo/routes/page_files.py), not the scripts.
"""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from demo import static_files
from demo.routes.page_files import facts_address, script_address


def widget(name: str) -> gr.HTML:
    """The widget Twofold.widgets.<name> of the page's script."""
    return _html(name, script_address())


def make_widget() -> gr.HTML:
    """The widget of the tab Make, which brings its script with it."""
    return _html(static_files.MAKE, script_address(), script_address("make.js"))


def first_widget(name: str, facts: Mapping[str, Any]) -> gr.HTML:
    """The widget that brings the facts with it: all others wait for them."""
    return _html(name, script_address(), facts_address(facts))


def _html(name: str, *scripts: str) -> gr.HTML:
    return gr.HTML(
        html_template="",
        js_on_load=f"Twofold.mountWidget({name!r}, element);",
        head="".join(f'<script src="{address}"></script>' for address in scripts),
        apply_default_css=False,
        elem_id=f"tf-{name}",
        elem_classes=["tf-widget"],
    )
