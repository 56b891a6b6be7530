"""Error messages where Gradio's own routes would answer a bare "Internal Server Error"."""

from typing import Any

from gradio.route_utils import FnIndexInferError
from starlette.requests import Request
from starlette.responses import JSONResponse


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "There is no endpoint of this name."}, status_code=404)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The request failed; the server's log says why."}, status_code=500)


# By exception class, as FastAPI takes them.
HANDLERS: dict[Any, Any] = {FnIndexInferError: _unknown, Exception: _failed}
