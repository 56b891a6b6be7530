"""--mcp: the endpoints as tools of the Model Context Protocol, at /mcp (streamable HTTP, without sessions).

This needs only the protocol's own package: `gradio[mcp]` would downgrade pydantic. Pictures arrive as data URLs, so
that no tool reads a file of the server, and leave as the protocol's images.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ContentBlock, ImageContent, TextContent
from starlette.routing import BaseRoute

from bundle.errors import UserError
from bundle.picture_files import UPLOAD
from demo import arguments
from demo.routes.endpoints import Endpoint, drawing, reading
from demo.serving.served_bundle import ServedBundle

MAX_BODY = 4 * UPLOAD.bytes  # bytes: a picture and a mask as base64
MAX_RUNNING = 8  # tools that run at a time
INSTRUCTIONS = """Draws pictures with small generators, a GAN and a VAE of one set of pictures, and reads pictures.
`report` tells what a bundle of them knows. The same seed always gives the same picture."""


class McpTools:
    """The MCP server over these bundles. `routes` and `lifespan` belong into the app that serves the page. `host`: the
    address that the app listens on; a local server answers only to its own names."""

    def __init__(self, bundles: Mapping[str, ServedBundle], host: str):
        self._limiter = anyio.CapacityLimiter(MAX_RUNNING)
        server = MCPServer("Twofold", instructions=INSTRUCTIONS, log_level="ERROR")
        pictures = "A picture or mask is given as data:image/png;base64,…"
        for name, function in drawing(bundles).items():
            server.add_tool(self._tool(function), name, structured_output=False)
        for name, function in reading(bundles, arguments.picture_data, arguments.mask_data).items():
            about = f"{function.__doc__}\n{pictures}"
            server.add_tool(self._tool(function), name, description=about, structured_output=False)
        app = server.streamable_http_app(
            stateless_http=True, json_response=True, max_request_body_size=MAX_BODY, host=host
        )
        self.routes: list[BaseRoute] = list(app.routes)
        self.lifespan = lambda _: server.session_manager.run()

    def _tool(self, function: Endpoint) -> Callable:
        @functools.wraps(function)
        async def tool(*args: Any, **kwargs: Any) -> list[ContentBlock]:
            try:
                work = functools.partial(function, *args, **kwargs)
                return content(await anyio.to_thread.run_sync(work, limiter=self._limiter))
            except UserError as error:
                raise ToolError(str(error)) from error

        return tool


def content(answer: Mapping[str, Any]) -> list[ContentBlock]:
    """An endpoint's answer as the protocol has it: JSON without the pictures, then each picture."""
    pictures: list[ContentBlock] = []

    def without_pictures(value: Any) -> Any:
        if isinstance(value, list) and value and all(_is_picture(one) for one in value):
            return [without_pictures(one) for one in value]
        if not _is_picture(value):
            return value
        kind, _, data = value.removeprefix("data:").partition(";base64,")
        pictures.append(ImageContent(type="image", data=data, mime_type=kind))
        return f"image {len(pictures)}"

    text = json.dumps({name: without_pictures(value) for name, value in answer.items()}, ensure_ascii=False)
    return [TextContent(type="text", text=text), *pictures]


def _is_picture(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("data:image/")
