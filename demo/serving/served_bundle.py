"""The bundles behind the page: each one with the engine that runs its graphs for everybody."""

import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from bundle.errors import ServerGone, UserError
from bundle.model import BundleModel
from bundle.read import Unavailable, discover
from bundle.sessions import Provider
from demo.serving.engine import Engine, EngineCache, Opener

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class ServedBundle(BundleModel):
    """What one bundle can draw, drawn by an engine that many visitors share."""

    def __init__(self, engine: Engine):
        super().__init__(engine)
        self.engine = engine


def kept_with_bundle(
    function: Callable[Concatenate[ServedBundle, Parameters], Result],
) -> Callable[Concatenate[ServedBundle, Parameters], Result]:
    """The function, which keeps each result about a bundle only as long as the bundle is served: visitors' models come
    and go. Requests at the same moment may each compute it. Its further arguments are hashable."""
    kept: WeakKeyDictionary[ServedBundle, dict[Any, Any]] = WeakKeyDictionary()

    @functools.wraps(function)
    def wrapped(served: ServedBundle, *args: Parameters.args, **named: Parameters.kwargs) -> Result:
        results = kept.setdefault(served, {})
        key = (*args, *named.items())
        if key not in results:
            results[key] = function(served, *args, **named)
        return results[key]

    return wrapped


def open_bundles(
    root: Path, provider: Provider, check: bool = True, opener: Opener | None = None
) -> tuple[dict[str, ServedBundle], list[Unavailable]]:
    """Every usable bundle in a folder, by name, and those that cannot be served, with the reason.

    All files are verified here. Without `check` the graphs run for the first time when they are needed: the server
    starts sooner, and a graph that misbehaves is reported then. `opener`: where graphs run, if not in this process;
    where that fails for a moment, the bundle is served, and checked when it is needed.
    """
    found, unavailable = discover(root)
    bundles: dict[str, ServedBundle] = {}
    cache = EngineCache()
    for bundle in found:
        engine = Engine(bundle, provider, cache, opener)
        try:
            if check:
                with suppress(ServerGone):
                    engine.ensure_checked()
        except UserError as error:
            unavailable.append(Unavailable(bundle.info.name, str(error)))
        else:
            bundles[bundle.info.name] = ServedBundle(engine)
    return bundles, unavailable
