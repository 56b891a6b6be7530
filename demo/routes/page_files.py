"""The routes that hand out the page's own files, compressed.

GET /page/{version}/page.js              the page's script: demo/static_files.py
GET /page/{version}/make.js              that of the tab Make, where there is one
GET /page/{version}/instrument.js        that of the fold "Instrument" in Play
GET /page/{version}/words.{language}.js  its sentences in a language other than English
GET /page/{version}/facts.js             the facts about the bundles: demo/facts.py

`version` changes with the content, so answers may be kept for ever. Another version gets the current content, which is
not kept: behind a load balancer the page may come from a server whose facts differ. The page around these files, GET /
and GET /config, is Gradio's, which compresses nothing; CompressedPage does.
"""

import functools
import gzip
import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo import static_files
from demo.routes.bodies import inner_path
from demo.routes.model_requests import NO_STORE

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
# Pages of any site may load a script, and could so read the facts of a private server: no version guards against that,
# because another version is answered too.
OWN_PAGE_ONLY = {"Cross-Origin-Resource-Policy": "same-origin"}

COMPRESSED = ("/", "/config", "/config/")


class CompressedPage:
    """Middleware that compresses Gradio's page and its configuration, and leaves everything else alone: a live picture
    would take longer to compress than to send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = scope["type"] == "http" and (inner_path(scope) or "/") in COMPRESSED
        await (self.compressing if page else self.app)(scope, receive, send)


def script_address(name: str = "page.js") -> str:
    """Where the page finds its script, or another one that has its version, relative to itself."""
    return f"page/{static_files.version()}/{name}"


def facts_address(facts: Mapping[str, Any]) -> str:
    """Where the page finds these facts, relative to itself."""
    return f"page/{static_files.fingerprint(static_files.facts_script(facts))}/facts.js"


def routes() -> list[Route]:
    """The routes above."""

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            found = _facts(request) if name == "facts.js" else _file(name)
        except (LookupError, OSError):  # deleted since the server began
            found = None
        if found is None:
            return no_file()
        data, version = found
        response = packed(request, data, "text/javascript", current=request.path_params["version"] == version)
        response.headers.update(OWN_PAGE_ONLY)
        return response

    return [Route("/page/{version}/{name}", file, methods=["GET"])]


def no_file() -> Response:
    """What is answered when the address names no file that is handed out."""
    return PlainTextResponse("There is no such file here.", status_code=404)


def packed(request: Request, data: bytes, media_type: str, current: bool = True) -> Response:
    """A response that the browser may keep for ever where its address is `current`, compressed where it takes that."""
    headers = (FOR_EVER if current else NO_STORE) | {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["ETag"] = f'"{_checksum(data)}-gzip"'
        return Response(_compressed(data), media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
    headers["ETag"] = f'"{_checksum(data)}"'
    return Response(data, media_type=media_type, headers=headers)


@functools.lru_cache(maxsize=64)  # of files that the process keeps in memory anyhow: 25 MB would take long each time
def _checksum(data: bytes) -> str:
    """What changes with the data: see demo/routes/not_modified.py."""
    return hashlib.sha256(data).hexdigest()[:32]


@functools.lru_cache(maxsize=32)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0, compresslevel=6)


@functools.lru_cache(maxsize=8)
def _file(name: str) -> tuple[bytes, str] | None:
    """A file's content and version."""
    if name == "page.js":
        return static_files.page_script().encode(), static_files.version()
    if name == "make.js":
        return static_files.make_script().encode(), static_files.version()
    if name == "instrument.js":
        return static_files.instrument_script().encode(), static_files.version()
    language = name.removeprefix("words.").removesuffix(".js")
    if name != f"words.{language}.js" or language not in static_files.WORDS:
        return None
    return static_files.words_script(language).encode(), static_files.version()


def _facts(request: Request) -> tuple[bytes, str] | None:
    """The facts of the page that Gradio serves, and their version."""
    facts = getattr(request.app.get_blocks(), "facts", None)
    if facts is None:
        return None
    script = static_files.facts_script(facts)
    return script.encode(), static_files.fingerprint(script)
