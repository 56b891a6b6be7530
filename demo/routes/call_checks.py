"""Checks calls of the public endpoints before Gradio sees them, which answers a wrong one with {"error": null} and a
traceback in the log.

POST /gradio_api/call/NAME, /gradio_api/call/v2/NAME, whose arguments have names, /gradio_api/run/NAME and
/gradio_api/api/NAME: a wrong call is answered with status 400 and a sentence. What the endpoint itself refuses has the
status of demo/routes/model_requests.py in the last two; in the others it is an event.
POST /gradio_api/queue/join, for gradio_client: a wrong argument is passed on as null, so that the endpoint itself
refuses it, as gradio_client shows no other sentence.

Arguments that are left out get their defaults.
"""

import inspect
import json
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bundle.errors import InputError
from bundle.printable import printable
from demo import arguments
from demo.routes.bodies import inner_path, pass_on, read_body
from demo.routes.endpoints import Endpoint, drawing, reading

MAX_BYTES = 4_000_000  # of a call: pictures are uploaded apart
UNQUEUED_ACTIONS, BY_NAME = ("run", "api"), "call/v2"
UNQUEUED = "twofold.unqueued"  # the key under which a call's scope has its UnqueuedAnswer
FILES = ("picture", "mask")
NUMBERS = ("rounds", "seed")
TABLES = {"attributes": arguments.NO_MOVES, "bend": arguments.NO_BEND}  # of names and numbers; what wrong ones are told
# By name; what they do does not matter here.
ENDPOINTS: dict[str, Endpoint] = {**drawing({}), **reading({}, arguments.picture_file, arguments.mask_file)}


class CheckedCalls:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = inner_path(scope)
        joins = path == "/gradio_api/queue/join"
        action, name = named(path)
        if scope["type"] != "http" or scope["method"] != "POST" or not (joins or name in ENDPOINTS):
            await self.app(scope, receive, send)
            return
        try:
            data = await read_body(Request(scope, receive), MAX_BYTES)
        except ClientDisconnect:  # nobody is there to be answered
            return
        except InputError as error:
            await JSONResponse({"detail": str(error)}, status_code=400)(scope, receive, send)
            return
        if data is None:
            response = JSONResponse({"detail": "The call is too large: upload pictures apart."}, status_code=413)
            await response(scope, receive, send)
            return
        try:
            call = json.loads(data)
        except (ValueError, RecursionError):
            call = None
        endpoint = _joined(scope, call) if joins else name
        if endpoint in ENDPOINTS:
            call, wrong = checked(endpoint, call, by_name=action == BY_NAME)
            if wrong and not joins:
                await JSONResponse({"detail": wrong}, status_code=400)(scope, receive, send)
                return
            data = json.dumps(call).encode()
        if action in UNQUEUED_ACTIONS:
            answer = UnqueuedAnswer(send)
            await pass_on(self.app, data, {**scope, UNQUEUED: answer}, receive, answer.send)
        else:
            await pass_on(self.app, data, scope, receive, send)


class UnqueuedAnswer:
    """The answer of a call that is not queued. Gradio gives every refusal the status 500; the endpoint says the right
    one in `status`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on, with the endpoint's status in place of Gradio's."""
        if message["type"] == "http.response.start" and message["status"] == 500 and self.status:
            message = {**message, "status": self.status}
        await self._send(message)


def named(path: str) -> tuple[str, str]:
    """What a path does and the endpoint that it names, such as ("run", "sample"); empty where it names none."""
    words = path.removeprefix("/gradio_api/").rstrip("/")
    action, _, name = words.rpartition("/")
    known = path.startswith("/gradio_api/") and action in ("call", BY_NAME, *UNQUEUED_ACTIONS)
    return (action, name) if known else ("", "")


def checked(endpoint: str, call: Any, by_name: bool = False) -> tuple[Any, str]:
    """A call as Gradio needs it, and what was wrong with it: a sentence, or empty. `by_name`: its arguments are an
    object of names and values, and not a list in "data"."""
    if by_name:
        if not isinstance(call, dict):
            return call, "The call must be a JSON object with the arguments by name."
        known = inspect.signature(ENDPOINTS[endpoint]).parameters
        listing = ", ".join(known)
        if unknown := next((name for name in call if name not in known), None):
            return call, f"There is no argument '{printable(unknown[:60])}': /{endpoint} takes {listing}."
        values = [call.get(name, parameter.default) for name, parameter in known.items()]
        if inspect.Parameter.empty in values:
            missing = list(known)[values.index(inspect.Parameter.empty)]
            return call, f"The argument '{missing}' is missing: /{endpoint} takes {listing}."
        wrong = mend(endpoint, values)
        return dict(zip(known, values, strict=True)), wrong
    if not isinstance(call, dict) or not isinstance(call.get("data"), list):
        return call, 'The call must be a JSON object with the arguments in order, in a list: {"data": [ … ]}.'
    return call, mend(endpoint, call["data"])


def mend(endpoint: str, values: list[Any]) -> str:
    """Gives an endpoint's arguments the form that Gradio needs, in place, and null instead of a wrong one. Returns what
    was wrong with the first of these; empty when all is well."""
    parameters = list(inspect.signature(ENDPOINTS[endpoint]).parameters.values())
    wrong = []
    for i, parameter in enumerate(parameters):
        if i == len(values):
            missing = parameter.default is inspect.Parameter.empty
            if missing:
                known = ", ".join(one.name for one in parameters)
                wrong.append(f"The argument '{parameter.name}' is missing: /{endpoint} takes {known}.")
            values.append(None if missing else parameter.default)
        elif parameter.name in FILES and values[i] is not None:
            values[i] = _uploaded(values[i])
            if values[i] is None:
                wrong.append(f"The {parameter.name} must be a file that was uploaded first, to /gradio_api/upload.")
        elif parameter.name in NUMBERS and not isinstance(values[i], int | float):
            wrong.append(f"The {parameter.name} must be a number.")
            values[i] = None
        elif parameter.name in TABLES and not isinstance(values[i], dict | None):
            wrong.append(f"{TABLES[parameter.name]}.")  # null would change nothing
    return wrong[0] if wrong else ""


def _uploaded(value: Any) -> dict[str, Any] | None:
    """A file as Gradio describes it, if it is one that was uploaded; else None."""
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str):
        return None
    try:
        real = Path(path).resolve()
        known = real.is_relative_to(Path(get_upload_folder()).resolve()) and real.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a zero
        return None
    return value | {"meta": {"_type": "gradio.FileData"}} if known else None


def _joined(scope: Scope, call: Any) -> str:
    """The name of the endpoint whose number a client of the queue has sent; empty for none."""
    if not isinstance(call, dict):
        return ""
    functions = scope["app"].get_blocks().fns
    number = call.get("fn_index")
    known = functions.get(number) if isinstance(number, int) else None
    return str(known.api_name) if known is not None else ""
