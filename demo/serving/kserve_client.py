"""Runs graphs on an inference server: a client of the KServe v2 protocol (Open Inference Protocol) over HTTP.

Triton, KServe, OpenVINO Model Server and MLServer speak it. Graph G of bundle B is the model B_G there.

    server = connect("http://machine:8000")
    decode = server.graph(bundle, "decoder")
    (image,) = decode({"z": z})

Tensors travel as bytes if the server offers that, else as JSON, which is exact too but larger. Requests go to this
address only: no proxy, no redirects. The messages: demo/serving/kserve_messages.py. Why not tritonclient[http]: it
brings gevent, and limits neither the size of an answer nor the total time for it.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import numpy as np
from pydantic import ValidationError

from bundle.errors import BundleError, RuntimeUnavailable, ServerGone
from bundle.read import OpenBundle
from bundle.schema import Graph
from demo.serving.batching import TimedGraphFunction
from demo.serving.engine import Opener
from demo.serving.kserve_messages import (
    FLOAT,
    MAX_TEXT_BYTES,
    Answer,
    ModelInfo,
    Request,
    ServerInfo,
    TensorInfo,
    difference,
    failure,
    most_bytes,
    outputs,
    plain,
    request,
)

DEADLINE = 10.0  # seconds for one request, from connecting to the last byte
CONNECTIONS = 64
PASSING = (429, 502, 503, 504)  # statuses of a server, or of the proxy before it, that may answer soon
LOADING = "no available versions"  # Triton's words for a model that it has not loaded yet
BINARY = "binary_tensor_data"  # the protocol's extension: tensors as bytes after the JSON
HEADER_LENGTH = "Inference-Header-Content-Length"
TITLES = {"triton": "Triton", "kserve": "KServe", "mlserver": "MLServer"}


class KServeClient:
    """HTTP requests to one server, from any thread, each with a deadline for the whole exchange.

    They run in an event loop in its own thread: httpx limits only the wait for the next byte, asyncio the total.
    """

    def __init__(self, address: str, deadline: float):
        self.address = address
        self.deadline = deadline
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"},
            timeout=None,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        )
        self._closed = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name=f"requests to {address}", daemon=True).start()

    def ask(self, path: str, sent: Request | None = None, most: int = MAX_TEXT_BYTES) -> Answer:
        """GET a path, or POST `sent` to it. Raises ServerGone when that fails, RuntimeUnavailable when the answer is
        longer than `most` bytes."""
        if self._closed:
            raise ServerGone(f"The connection to {self.address} was closed.")
        try:
            return asyncio.run_coroutine_threadsafe(self._twice(path, sent, most), self._loop).result()
        except TimeoutError as error:
            raise ServerGone(self.words(f"did not answer within {self.deadline:g} s")) from error
        except httpx.ConnectError as error:
            raise ServerGone(f"There is no connection to {self.address}: {plain(error)}.") from error
        except httpx.HTTPError as error:
            raise ServerGone(self.words(f"broke off: {plain(error) or type(error).__name__}")) from error

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._closed:
            return
        self._closed = True
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def unavailable(self, what: str) -> RuntimeUnavailable:
        """The error that says `what` is wrong with the server, e.g. "is not ready"."""
        return RuntimeUnavailable(self.words(what))

    def words(self, what: str) -> str:
        """The sentence that says `what` is wrong with the server."""
        return f"The inference server at {self.address} {what}."

    async def _twice(self, path: str, sent: Request | None, most: int) -> Answer:
        """Retry once when a connection breaks: the server may have closed an idle one, and graphs are pure."""
        async with asyncio.timeout(self.deadline):
            try:
                return await self._once(path, sent, most)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                return await self._once(path, sent, most)

    async def _once(self, path: str, sent: Request | None, most: int) -> Answer:
        headers = {}
        if sent:
            headers["Content-Type"] = "application/json" if sent.header_length is None else "application/octet-stream"
        if sent and sent.header_length is not None:
            headers[HEADER_LENGTH] = str(sent.header_length)
        method, body = ("POST", sent.body) if sent else ("GET", None)
        async with self._client.stream(method, self.address + path, content=body, headers=headers) as response:
            parts = bytearray()
            async for part in response.aiter_raw():
                parts += part
                if len(parts) > most:
                    raise self.unavailable(f"sent more than the {most} bytes that its answer may have")
            return Answer(response.status_code, response.headers.get(HEADER_LENGTH), bytes(parts))


@dataclass(frozen=True)
class RemoteGraph:
    """A graph on a server; may be called from any thread.

    Takes float32 inputs of one batch size by name, returns the outputs in the order of the bundle's index, float32 and
    finite. Raises RuntimeUnavailable when the server fails, BundleError when its answer is wrong.
    """

    server: "InferenceServer"
    model: str
    graph: Graph

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        sent = request(self.graph, inputs, self.server.binary)
        batch = len(next(iter(inputs.values())))
        answer = self.server.client.ask(f"/v2/models/{self.model}/infer", sent, most_bytes(self.graph, batch))
        if answer.status != 200:
            raise self.server.refusal(answer, self.model)
        try:
            return outputs(answer, self.graph, batch)
        except ValueError as error:
            raise BundleError(f"Model '{self.model}' of {self.server.name} gives {plain(error)}.") from error


@dataclass(frozen=True)
class InferenceServer:
    """An inference server that is ready. `name`: as shown to people. `binary`: tensors travel as bytes."""

    name: str
    binary: bool
    client: KServeClient

    def graph(self, bundle: OpenBundle, graph: str) -> RemoteGraph:
        """A bundle's graph on this server.

        Raises RuntimeUnavailable when the server lacks this model or has another one of its name, BundleError when the
        bundle has no such graph.
        """
        info = bundle.info
        model, known = f"{info.name}_{graph}", info.require_graph(graph)
        answer = self.client.ask(f"/v2/models/{model}")
        if answer.status != 200:
            raise self.refusal(answer, model)
        try:
            found = ModelInfo.model_validate_json(answer.body)
        except ValidationError as error:
            raise RuntimeUnavailable(f"{self.name} does not describe model '{model}' as KServe v2 asks.") from error
        for kind, given, tensors in (
            ("inputs", found.inputs, known.inputs),
            ("outputs", found.outputs, known.outputs),
        ):
            wanted = [TensorInfo(name=t.name, datatype=FLOAT, shape=(-1, *t.row_shape)) for t in tensors]
            # A server may declare nothing: its answers are checked anyway.
            if given and (other := difference(given, wanted)):
                raise RuntimeUnavailable(
                    f"Model '{model}' of {self.name} is not that of this bundle (its {kind} are {other}): "
                    "export the bundle for that server again."
                )
        return RemoteGraph(self, model, known)

    def close(self) -> None:
        """Close the connections; the server's graphs cannot be used afterwards."""
        self.client.close()

    def refusal(self, answer: Answer, model: str) -> RuntimeUnavailable:
        """The error for an answer other than 200 about a model."""
        said = f" ({words})" if (words := failure(answer)) else ""
        refused = f"{self.name} does not run model '{model}': status {answer.status}{said}."
        if answer.status in PASSING or LOADING in words:
            return ServerGone(refused)
        if answer.status == 404 or "unknown model" in words.lower():  # Triton says it with status 400
            return RuntimeUnavailable(f"{self.name} has no model '{model}'{said}: export the bundle for that server.")
        return RuntimeUnavailable(refused)


def connect(url: str, timeout: float = DEADLINE) -> InferenceServer:
    """The server at an address such as http://machine:8000. `timeout`: seconds for each request, in total.

    Raises RuntimeUnavailable when that is no address, nothing can be reached there, what answers is no KServe v2
    server, or it is not ready. Certificates of https must come from a public authority.
    """
    client = KServeClient(address(url), timeout)
    try:
        return _identify(client)
    except RuntimeUnavailable:
        client.close()
        raise


def opener(server: InferenceServer) -> Opener:
    """For demo.serving.engine.Engine: every graph runs on this server, within the client's own deadline."""

    def open_there(bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        remote = server.graph(bundle, graph)
        return lambda feed, until: remote(feed)

    return open_there


def address(url: str) -> str:
    """The address without a slash or "/v2" at its end. Raises RuntimeUnavailable for anything else than an address."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    more = parsed.userinfo or parsed.query or parsed.fragment
    port = 80 if parsed.port is None else parsed.port
    if parsed.scheme not in ("http", "https") or not parsed.host or not 0 < port < 65536 or more:
        raise RuntimeUnavailable(f"'{plain(url)}' is no address of an inference server: write http://machine:port.")
    return str(parsed).rstrip("/").removesuffix("/v2").rstrip("/")


def _identify(client: KServeClient) -> InferenceServer:
    """Ask a server whether it is ready and what it is."""
    ready = client.ask("/v2/health/ready")
    if 300 <= ready.status < 400:
        raise client.unavailable(
            f"answers with a redirect ({ready.status}), which is not followed: give its own address"
        )
    stranger = client.unavailable("does not speak KServe v2: it does not answer /v2 as that protocol asks")
    if ready.status in (404, 405):
        raise stranger
    if ready.status != 200:
        raise client.unavailable(f"is not ready: status {ready.status} of /v2/health/ready")
    about = client.ask("/v2")
    try:
        info = ServerInfo.model_validate_json(about.body)
    except ValidationError as error:
        raise stranger from error
    if about.status != 200:
        raise stranger
    version = plain(info.version or "", 30)
    title = f"{TITLES.get(info.name.lower(), plain(info.name, 60))} {version}".strip()
    place = httpx.URL(client.address).netloc.decode("ascii")
    return InferenceServer(f"{title} at {place}", BINARY in (info.extensions or ()), client)
