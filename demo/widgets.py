"""Our own widgets: one gr.HTML each, whose look and behaviour live in demo/static/<name>.js.

The templates are empty and the scripts build the page with the DOM. Gradio evaluates templates as
JavaScript, so a class name such as "${…}" in a bundle would otherwise run as code.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr

STATIC = Path(__file__).resolve().parent / "static"
CSS = tuple(sorted(STATIC.glob("*.css")))


def widget(name: str, facts: dict[str, Any], *helpers: str) -> gr.HTML:
    """The widget in static/<name>.js. `helpers` are further scripts of that folder that it needs."""
    scripts = ("core", "live", *helpers)
    shared = "".join(_words(one) for one in (*scripts, name))
    shared += "".join(f"<script>{_script(helper)}</script>" for helper in scripts)
    return gr.HTML(
        html_template="",
        js_on_load=_script(name),
        head=shared,
        apply_default_css=False,
        elem_id=f"tf-{name}",
        elem_classes=["tf-widget"],
        facts=facts,
    )


def _words(name: str) -> str:
    """A script that adds the words of static/<name>.js in other languages: words/<language>/<name>.json."""
    found = ""
    for path in sorted(STATIC.glob(f"words/*/{name}.json")):
        table = json.dumps(json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False).replace("<", "\\u003c")
        home = f'((window.TwofoldWords ??= {{}})["{path.parent.name}"] ??= {{}})'
        found += f"<script>Object.assign({home}, {table});</script>"
    return found


def _script(name: str) -> str:
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")
