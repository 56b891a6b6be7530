"""The routes that hand out the page's own files, compressed.

GET /page/{version}/page.js              what the page runs: demo/static_files.py
GET /page/{version}/words.{language}.js  its sentences in another language than English
GET /page/{version}/facts.js             what it knows about the bundles: demo/facts.py

`version` changes with the content, so answers may be kept for ever. Other versions are answered with 404. The page
around them, GET / and GET /config, is Gradio's, which compresses nothing; CompressedPage does.
"""

import functools
import gzip
from collections.abc import Mapping
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo import static_files

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

COMPRESSED = ("/", "/config", "/config/")


class CompressedPage:
    """Middleware that compresses Gradio's page and its configuration, and leaves everything else alone: a live picture
    would take longer to compress than to send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = scope["type"] == "http" and _inner_path(scope) in COMPRESSED
        await (self.compressing if page else self.app)(scope, receive, send)


def _inner_path(scope: Scope) -> str:
    """The path behind the one under which the app is mounted."""
    return scope["path"].removeprefix(scope.get("root_path", "")) or "/"


def script_address() -> str:
    """Where the page finds its script, relative to itself."""
    return f"page/{static_files.version()}/page.js"


def facts_address(facts: Mapping[str, Any]) -> str:
    """Where the page finds these facts, relative to itself."""
    return f"page/{static_files.fingerprint(static_files.facts_script(facts))}/facts.js"


def routes() -> list[Route]:
    """The routes above."""

    def file(request: Request) -> Response:
        version, name = request.path_params["version"], request.path_params["name"]
        found = _facts(request, version) if name == "facts.js" else _file(name, version)
        if found is None:
            return PlainTextResponse("There is no such file here.", status_code=404)
        return packed(request, found, "text/javascript")

    return [Route("/page/{version}/{name}", file, methods=["GET"])]


def packed(request: Request, data: bytes, media_type: str) -> Response:
    """A response that the browser may keep for ever, compressed where it takes that."""
    headers = FOR_EVER | {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_compressed(data), media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(data, media_type=media_type, headers=headers)


@functools.lru_cache(maxsize=32)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0, compresslevel=6)


@functools.lru_cache(maxsize=8)
def _file(name: str, version: str) -> bytes | None:
    if version != static_files.version():
        return None
    if name == "page.js":
        return static_files.page_script().encode()
    language = name.removeprefix("words.").removesuffix(".js")
    known = name == f"words.{language}.js" and language in static_files.WORDS
    return static_files.words_script(language).encode() if known else None


def _facts(request: Request, version: str) -> bytes | None:
    """The facts of the page that Gradio serves, in this version."""
    facts = getattr(request.app.get_blocks(), "facts", None)
    if facts is None:
        return None
    script = static_files.facts_script(facts)
    return script.encode() if static_files.fingerprint(script) == version else None
