"""Sentences for what Gradio's own routes would answer with a bare "Internal Server Error"."""

from typing import Any

from gradio.route_utils import FnIndexInferError
from starlette.requests import Request
from starlette.responses import JSONResponse


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "There is no endpoint of this name."}, status_code=404)


async def _lost(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "This could not be answered; the server's log says why."}, status_code=500)


# As FastAPI takes them: by the kind of error.
HANDLERS: dict[Any, Any] = {FnIndexInferError: _unknown, Exception: _lost}
