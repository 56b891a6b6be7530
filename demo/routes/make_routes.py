"""All routes of --make, for one maker: they begin with /make and /made.

Where the machine belongs to whoever sits at it, they answer only to the names of this machine, and to the public name
in --root-path: a page of another site that points its own name at this machine reads and changes nothing here.
"""

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.make.maker import Maker
from demo.routes.make_keep import KeepRoutes
from demo.routes.make_projects import ProjectRoutes
from demo.routes.make_training import TrainingRoutes
from demo.routes.model_requests import refusal
from demo.serving.address import MISDIRECTED, is_of_this_machine, unknown_name, without_port


def make_routes(maker: Maker, public: str | None = None) -> list[Route]:
    """For demo.page.launch_settings. `public`: the name under which a proxy shows the page, if it has one."""
    routes = [*ProjectRoutes(maker).routes(), *TrainingRoutes(maker).routes(), *KeepRoutes(maker).routes()]
    if maker.limits.own_machine:
        for route in routes:
            route.app = _ForKnownNames(route.app, public)
    return routes


class _ForKnownNames:
    """Refuses requests to other names."""

    def __init__(self, app: ASGIApp, public: str | None):
        self.app, self.public = app, without_port(public) if public else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Request(scope).headers.get("host", "")
        if is_of_this_machine(host) or (self.public is not None and without_port(host) == self.public):
            await self.app(scope, receive, send)
        else:
            await refusal(MISDIRECTED, unknown_name(host))(scope, receive, send)
