"""All routes of --make, for one maker: they begin with /make and /made."""

from starlette.routing import Route

from demo.make.maker import Maker
from demo.routes.make import MakeRoutes
from demo.routes.make_keep import KeepRoutes
from demo.routes.make_training import TrainingRoutes


def make_routes(maker: Maker) -> list[Route]:
    """For demo.page.launch_settings."""
    return [*MakeRoutes(maker).routes(), *TrainingRoutes(maker).routes(), *KeepRoutes(maker).routes()]
