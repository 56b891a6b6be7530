"""--mcp: the endpoints as tools of the Model Context Protocol, at /mcp (streamable HTTP, without sessions).

This needs only the protocol's own package: `gradio[mcp]` would downgrade pydantic. Pictures arrive as data URLs, so
that no tool reads a file of the server, and leave as the protocol's images, films as its resources. Calls take turns as
those of the endpoints do (demo/serving/calls.py).

A server for this machine alone answers only to names of this machine, and to the public name in --root-path: a page of
another site that points its own name at this machine reads nothing here.
"""

import functools
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import BlobResourceContents, ContentBlock, EmbeddedResource, ImageContent, TextContent
from pydantic import ValidationError
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import UserError
from bundle.picture_files import UPLOAD
from demo import arguments
from demo.routes.endpoints import Endpoint, drawing, reading
from demo.routes.model_requests import refusal, visitor_of
from demo.serving.address import LOCAL_NAMES, MISDIRECTED, Address, public_name, unknown_name
from demo.serving.calls import Calls
from demo.serving.served_bundle import ServedBundle

MAX_BODY = 4 * UPLOAD.bytes  # bytes: a picture and a mask as base64
INSTRUCTIONS = """Draws pictures with small generators, a GAN and a VAE of one set of pictures, and reads pictures.
`report` tells what a bundle of them knows. The same seed always gives the same picture."""


# By name; what they do does not matter here.
TOOLS: dict[str, Endpoint] = {**drawing({}), **reading({}, arguments.picture_data, arguments.mask_data)}


class McpTools:
    """The MCP server over these bundles. `routes` and `lifespan` belong into the app that serves the page. `address`:
    where that listens. `root`: the path or the whole address under which a proxy shows it, if one does."""

    def __init__(self, bundles: Mapping[str, ServedBundle], address: Address, root: str | None = None):
        self._calls = Calls()
        server = _Server("Twofold", instructions=INSTRUCTIONS, log_level="ERROR")
        pictures = "A picture or mask is given as data:image/png;base64,…"
        for name, function in drawing(bundles).items():
            server.add_tool(self._tool(name, function), name, structured_output=False)
        for name, function in reading(bundles, arguments.picture_data, arguments.mask_data).items():
            about = f"{function.__doc__}\n{pictures}"
            server.add_tool(self._tool(name, function), name, description=about, structured_output=False)
        app = server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=MAX_BODY,
            transport_security=security(address, root),
        )
        self.routes: list[BaseRoute] = list(app.routes)
        for route in self.routes:
            if isinstance(route, Route):
                route.app = _Explained(route.app)
        self.lifespan = lambda _: server.session_manager.run()

    def _tool(self, name: str, function: Endpoint) -> Callable:
        async def tool(*args: Any, twofold_context: Context, **kwargs: Any) -> list[ContentBlock]:
            request = twofold_context.request_context.request
            assert isinstance(request, Request)  # no other transport is offered
            try:
                work = functools.partial(function, *args, **kwargs)
                answer = await self._calls.run(name, visitor_of(request), work, request.is_disconnected)
            except UserError as error:
                raise ToolError(str(error)) from error
            return content(answer)

        # The protocol's package reads the arguments from the signature, and gives the context to whatever has its type.
        signature, hints = inspect.signature(function), typing.get_type_hints(function)
        context = inspect.Parameter("twofold_context", inspect.Parameter.KEYWORD_ONLY, annotation=Context)
        vars(tool)["__signature__"] = signature.replace(parameters=[*signature.parameters.values(), context])
        tool.__annotations__ = hints | {"twofold_context": Context}
        tool.__name__, tool.__doc__ = name, function.__doc__
        return tool


class _Server(MCPServer):
    """Tells an assistant in a sentence what is wrong with its arguments, where the package quotes its validator."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Context | None = None) -> Any:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_wrong_arguments(name, error.__cause__)) from error
            raise


def _wrong_arguments(name: str, error: ValidationError) -> str:
    first = error.errors()[0]
    argument = str(first["loc"][0]) if first["loc"] else ""
    known = ", ".join(parameter for parameter in inspect.signature(TOOLS[name]).parameters)
    if first["type"] == "missing":
        return f"The argument '{argument}' is missing: {name} takes {known}."
    return f"The argument '{argument}' of {name} is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}."


def security(address: Address, root: str | None) -> TransportSecuritySettings:
    """To which names the server answers: see above. A server that others can reach answers to any."""
    names = [*LOCAL_NAMES, f"{address.in_brackets}:*"]
    origins = [f"http://{name}" for name in names]
    if public := public_name(root):
        names += [public, f"{public}:*"]
        origins += [f"{scheme}://{name}" for scheme in ("http", "https") for name in (public, f"{public}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=address.local, allowed_hosts=names, allowed_origins=origins
    )


class _Explained:
    """Says what to do where the protocol's package says "Invalid Host header" alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        misdirected = False

        async def explained(message: Message) -> None:
            nonlocal misdirected
            if message["type"] == "http.response.start" and message["status"] == MISDIRECTED:
                misdirected = True
            if not misdirected:
                await send(message)

        await self.app(scope, receive, explained)
        if misdirected:
            host = Request(scope).headers.get("host", "")
            await refusal(MISDIRECTED, unknown_name(host))(scope, receive, send)


def content(answer: Mapping[str, Any]) -> list[ContentBlock]:
    """An endpoint's answer as the protocol has it: JSON without the files, then each file: a picture is an image, a
    film or an archive a resource, which no model has to read as text."""
    files: list[ContentBlock] = []

    def without_files(value: Any) -> Any:
        if isinstance(value, list) and value and all(_is_file(one) for one in value):
            return [without_files(one) for one in value]
        if not _is_file(value):
            return value
        kind, _, data = value.removeprefix("data:").partition(";base64,")
        word, number = ("image" if kind.startswith("image/") else "file"), len(files) + 1
        if word == "image":
            files.append(ImageContent(type="image", data=data, mime_type=kind))
        else:
            held = BlobResourceContents(uri=f"twofold:file-{number}", mime_type=kind, blob=data)
            files.append(EmbeddedResource(type="resource", resource=held))
        return f"{word} {number}"

    text = json.dumps({name: without_files(value) for name, value in answer.items()}, ensure_ascii=False)
    return [TextContent(type="text", text=text), *files]


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("data:") and ";base64," in value[:100]
