"""Watch a run learn in a browser, read only: `python -m demo.watch RUN`; from training: `python -m train watch RUN`.

A small server of its own, which needs neither a bundle nor the page of the demo. It listens on this machine only; from
another one it is reached through an SSH tunnel, for which it prints the line.
"""

import argparse
import getpass
import os
import socket
import sys
import threading
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.training_status import OWNER
from demo import static_files
from demo.make.run_view import STAGES
from demo.routes.model_requests import NO_STORE, refusal
from demo.routes.page_files import packed
from demo.routes.run_pictures import run_routes
from demo.serving.address import free_address

HOST = "127.0.0.1"
PAGE = static_files.STATIC / "watch"
# In this order: each uses the ones before it while it loads.
SCRIPTS = (
    *("core", "storage", "address", "language", "elements", "canvas", "requests", "tables", "plot"),
    *("training_stages", "run_view", "watch_page"),
)
STYLES = ("style.css", "run_view.css", "watch_page.css")
WORDS = ("core", "make")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


def app(run: Path) -> Starlette:
    """The page about a run folder, and what it shows of it."""
    title = f"{run.name} · Twofold"

    def page(request: Request) -> Response:
        html = Template((PAGE / "index.html").read_text(encoding="utf-8")).substitute(title=escape(title))
        return HTMLResponse(html, headers=NO_STORE | {"Content-Security-Policy": POLICY})

    def file(request: Request) -> Response:
        try:
            text, kind = content(request.path_params["name"])
        except (LookupError, OSError):
            return refusal(404, "There is no such file here.")
        return packed(request, text.encode(), kind, current=False)

    routes = [Route("/", page), Route("/page/{name}", file), *run_routes("/run", lambda request: run)]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


def content(name: str) -> tuple[str, str]:
    """(a script, its words or its styles; their media type). Raises LookupError, OSError."""
    if name == "watch.js":
        return "".join(source_of(part) for part in SCRIPTS), "text/javascript"
    if name == "theme.js":
        return static_files.text(name), "text/javascript"
    if name == "watch.css":
        return "".join(source_of(part) for part in STYLES), "text/css"
    language = name.removeprefix("words.").removesuffix(".js")
    words = static_files.tables(static_files.STATIC / "words", *WORDS)
    return static_files.script({language: words[language]}), "text/javascript"


def source_of(name: str) -> str:
    """A script of the page or of this one; a style where its ending says so."""
    file = name if "." in name else f"{name}.js"
    own = PAGE / file
    return own.read_text(encoding="utf-8") if own.is_file() else static_files.text(file)


def check_run(run: Path) -> None:
    """Raises UserError for what can be no run folder. One whose training still reads its pictures is one already."""
    if not run.is_dir():
        raise UserError(f"There is no folder {run}: name the run folder of a training.")
    if not ((run / "run.json").exists() or (run / OWNER).exists() or any((run / s).is_dir() for s in STAGES)):
        raise UserError(f"{run} is not a run folder: it has no run.json. Make one with python -m train.")


def greeting(port: int) -> str:
    """Where the page is, for whoever sits at this machine and for whoever does not."""
    try:
        who = f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        who = socket.gethostname()
    here = f"Watch it at http://{HOST}:{port}"
    return f"{here}\nFrom another machine: ssh -N -L {port}:{HOST}:{port} {who}, then open the same address there."


class Server(uvicorn.Server):
    """A server that says where the page is once it can be reached there."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen. Called by `run`."""
        await super().startup(sockets)
        if self.started:
            print(greeting(self.config.port), flush=True)


def serve(run: Path, port: str | None, until_closed: bool) -> int:
    """Serves the page until Ctrl-C, or until standard input is closed where `until_closed`. Raises UserError."""
    if not until_closed:  # a training that has just begun makes its folder in a moment
        check_run(run)
    address = free_address(HOST, port)
    server = Server(uvicorn.Config(app(run), host=HOST, port=address.port, log_level="error", lifespan="off"))
    if until_closed:
        threading.Thread(target=end_with_input, args=(server,), daemon=True).start()
    server.run()
    return 0


def end_with_input(server: uvicorn.Server) -> None:
    """Ends the server once standard input is closed: whoever started it has gone."""
    while os.read(0, 4096):
        pass
    server.should_exit = True


def main(words: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 a mistake of the user."""
    parser = argparse.ArgumentParser(prog="python -m demo.watch", description="Watch a run learn in a browser.")
    parser.add_argument("run", type=Path, help="run folder, e.g. runs/mnist")
    parser.add_argument("--port", help="port (default: 7860, or the next free one)")
    parser.add_argument("--until-closed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    return exit_code(lambda: serve(options.run.resolve(), options.port, options.until_closed), "")


if __name__ == "__main__":
    sys.exit(main())
