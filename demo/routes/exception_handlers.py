"""Error messages where Gradio's own routes would answer a bare "Internal Server Error".

A client that leaves while it sends is no error: the log has no traceback of it.
"""

from typing import Any

from gradio.route_utils import FnIndexInferError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from demo.routes.model_requests import FAILED


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "There is no endpoint of this name."}, status_code=404)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": FAILED}, status_code=500)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # which nobody receives


# By exception class, as FastAPI takes them.
HANDLERS: dict[Any, Any] = {FnIndexInferError: _unknown, ClientDisconnect: _left, Exception: _failed}
