"""The bundles behind the page: each one as a model, and the engine that runs its graphs."""

from pathlib import Path

from bundle.errors import UserError
from bundle.model import BundleModel
from bundle.read import Unavailable, discover
from bundle.sessions import Provider
from demo.serving.engine import Engine, EngineCache, Opener


class ServedModel(BundleModel):
    """What one bundle can draw, drawn by an engine that many visitors share."""

    def __init__(self, engine: Engine):
        super().__init__(engine)
        self.engine = engine


def open_models(
    root: Path, provider: Provider, check: bool = True, opener: Opener | None = None
) -> tuple[dict[str, ServedModel], list[Unavailable]]:
    """Every bundle in a folder as a model, by name, and the bundles that cannot be served.

    All files are verified here. Without `check` the graphs are first run when they are needed: a server starts sooner,
    and a graph that misbehaves is reported then. `opener`: another place where graphs are run.
    """
    bundles, unavailable = discover(root)
    models: dict[str, ServedModel] = {}
    cache = EngineCache()
    for bundle in bundles:
        engine = Engine(bundle, provider, cache, opener)
        try:
            if check:
                engine.ready()
        except UserError as error:
            unavailable.append(Unavailable(bundle.info.name, str(error)))
        else:
            models[bundle.info.name] = ServedModel(engine)
    return models, unavailable
