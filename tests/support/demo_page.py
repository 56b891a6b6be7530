"""The demo's page in this process, for tests that send it requests or visit it with a browser. As a process of its own:
server.py."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.routing import BaseRoute

from bundle.read import Unavailable
from demo.page import build_demo, launch_settings
from demo.serving.served_bundle import ServedBundle


@contextmanager
def launched(
    bundles: Mapping[str, ServedBundle],
    unavailable: Sequence[Unavailable] = (),
    *,
    files: Path,
    routes: Sequence[BaseRoute] = (),
    **brings: bool,
) -> Iterator[str]:
    """The address of the page over these bundles. `files`: where Gradio keeps those of visitors. `routes`: further
    ones; `brings`: what of build_demo needs them, such as `uploads=True`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(files))
        demo = build_demo(bundles, unavailable, **brings)
        settings = launch_settings(bundles, unavailable, routes)
        _, address, _ = demo.launch(quiet=True, prevent_thread_lock=True, server_name="127.0.0.1", **settings)
        try:
            yield address
        finally:
            demo.close(verbose=False)
