"""The settings that libraries take from the environment, made before any of them is imported.

Gradio reads some forty variables, half of them when it is imported: one wrong word in GRADIO_SERVER_PORT is a
traceback, GRADIO_DEBUG=1 keeps the start from ending, GRADIO_ALLOWED_PATHS opens folders to visitors. `take_over`
therefore hides them all from it. The demo itself honours those in HONOURED, which hosts such as Hugging Face set.
"""

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

HONOURED = ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_ROOT_PATH", "GRADIO_SHARE")
# Where uploads lie, which the demo sets anew at each start; and who opens a public link.
LEFT_ALONE = ("GRADIO_TEMP_DIR", "GRADIO_SHARE_SERVER_ADDRESS")
OURS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Its queue keeps the last 10 000 events and counts them all again after each one: 50 ms, for a summary nobody sees.
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
    "ORT_DISABLE_TELEMETRY": "1",  # a later call would miss the first event
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
NO_PROXY = ("no_proxy", "NO_PROXY")

given: dict[str, str] = {}
"""What the variables in HONOURED were when the demo was imported; absent or empty ones are left out."""


def take_over(environment: MutableMapping[str, str] = os.environ) -> None:
    """Move the variables in HONOURED to `given`, drop Gradio's others, and make the settings of libraries."""
    for name in [name for name in environment if name.startswith("GRADIO_") and name not in LEFT_ALONE]:
        value = environment.pop(name).strip()
        if name in HONOURED and value:
            given[name] = value
    environment.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)  # otherwise a model file could set session options
    environment.update(OURS)


@contextmanager
def without_proxies(environment: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """While inside, requests go straight to where they lead: Gradio asks its own server whether it is there, and a
    proxy of the environment, or of the system, would be asked instead."""
    before = {name: environment.get(name) for name in NO_PROXY}
    environment.update(dict.fromkeys(NO_PROXY, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
