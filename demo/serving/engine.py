"""Runs a bundle's graphs for many visitors: sessions, validated inputs, limits on load, timings.

The demo package sets onnxruntime's environment before this import. Choosing the processor: bundle/sessions.py. How
several requests share a run: demo/serving/batching.py.
"""

import functools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np
import onnxruntime as ort

from bundle.adapter import adapt
from bundle.errors import Busy, FileGone, RuntimeUnavailable, ServerGone, UserError, first_line
from bundle.feeds import Feed, feed_parts
from bundle.graph_checks import check_graphs, faulty
from bundle.read import OpenBundle, graph_bytes
from bundle.runner import check_inputs
from bundle.schema import Adapter
from bundle.sessions import CPU, CUDA, Provider, default_threads, open_session
from demo.serving.batching import BatchQueue, Tally, TimedGraphFunction
from demo.serving.cpu_session import CpuSession
from demo.serving.cuda_graphs import CudaGraphSession
from demo.serving.watchdog import Watchdog

KEPT = 3  # bundles whose sessions stay in memory

# A bundle and the name of a graph -> the function that runs this graph.
Opener = Callable[[OpenBundle, str], TimedGraphFunction]


class EngineCache:
    """What all engines of a process share: slots for runs, the watchdog, and sessions in memory for `kept` of them."""

    def __init__(self, kept: int = KEPT):
        self.slots = threading.BoundedSemaphore(default_threads())
        self.watchdog = Watchdog()
        self._kept = kept
        self._loaded: dict[int, Engine] = {}  # least recently used first
        self._latest: Engine | None = None  # the last of them
        self._lock = threading.Lock()

    def use(self, engine: "Engine") -> None:
        """Mark an engine as used; if too many are loaded, the least recently used one is unloaded."""
        if self._latest is engine:
            return
        with self._lock:
            self._latest = engine
            self._loaded.pop(id(engine), None)
            self._loaded[id(engine)] = engine
            too_many = len(self._loaded) > self._kept
            oldest = self._loaded.pop(next(iter(self._loaded))) if too_many else None
        if oldest is not None:
            oldest.drop_sessions()

    def forget(self, engine: "Engine") -> None:
        """An engine is no longer among those in memory."""
        with self._lock:
            self._loaded.pop(id(engine), None)
            if self._latest is engine:
                self._latest = None


class Engine:
    """One bundle on one processor. Safe to use from many threads.

    A bundle is checked (`check`) before its first use: with its processor's fast arithmetic and, if that fails, with
    exact float32. `last_ms`: model time of the last run in any thread, in milliseconds. `spent_ms`: the sum for the
    calling thread, so that the difference of two readings times a piece of work among other visitors'. `fault`: why the
    bundle cannot be used, if its check failed.
    """

    def __init__(
        self, bundle: OpenBundle, provider: Provider, cache: EngineCache | None = None, opener: Opener | None = None
    ):
        self.bundle = bundle
        self.provider = provider
        self.last_ms = 0.0
        self.fault: UserError | None = None
        self._cache = cache or EngineCache()
        self._opener = opener or self._open_here
        self._queues: dict[str, BatchQueue] = {}
        self._tally: dict[str, Tally] = {}
        self._names: dict[str, str] = {}
        self._checked, self._careful, self._closed = False, False, False
        self._loading, self._checking = threading.Lock(), threading.RLock()
        self._thread = threading.local()

    @property
    def active(self) -> str:
        """The onnxruntime name of the provider that really runs the bundle's first graph."""
        first = next(iter(self.bundle.info.graphs))
        if self.provider.name == CPU or self._opener != self._open_here:  # nothing to fall back to, or not run here
            return self.provider.name
        if first not in self._names:
            with suppress(UserError):  # then nothing runs it now, which a run will say
                self._queue(first)
        return self._names.get(first, self.provider.name)

    @property
    def reason(self) -> str:
        """Why this processor, in one sentence."""
        if self.active == self.provider.name:
            return self.provider.reason
        return f"{self.active}: onnxruntime could not use {self.provider.name} for this bundle."

    @property
    def spent_ms(self) -> float:
        """Model time of all runs that the calling thread has asked for, in milliseconds."""
        return getattr(self._thread, "spent_ms", 0.0)

    @property
    def checked(self) -> bool:
        """Whether the check has run, with whatever result."""
        return self._checked

    @property
    def loaded(self) -> bool:
        """Whether it holds sessions in memory."""
        return bool(self._queues)

    @property
    def tally(self) -> dict[str, Tally]:
        """The counters of each graph since the start."""
        return dict(self._tally)

    @property
    def waiting(self) -> dict[str, int]:
        """How many requests wait for each graph now."""
        return {graph: queue.waiting for graph, queue in list(self._queues.items())}

    def has(self, graph: str) -> bool:
        """Whether the bundle has this graph."""
        return graph in self.bundle.info.graphs

    def run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a graph on float32 inputs of one batch size and return its outputs by name.

        Raises InputError for wrong names, types or shapes, for values that are not finite, for an empty batch, and for
        one larger than the bundle's `max_batch`. Raises BundleError when the bundle has no such graph or failed its
        check, Busy when too many requests wait or the deadline passes.
        """
        self.ensure_checked()
        return self._run(graph, inputs)

    def ensure_checked(self) -> None:
        """Check the bundle if that has not been done yet. Raises what the check raised."""
        if self._checked and self.fault is None:
            return
        with self._checking:
            if not self._checked:
                self.fault = self._find_fault()
                self._checked = True
        if self.fault is not None:
            raise anew(self.fault)

    def _find_fault(self) -> UserError | None:
        """What is wrong with the bundle on this processor. Raises Busy, which is not the bundle's fault, and FileGone
        and ServerGone, which may not last."""
        for careful in (False, True):
            self._careful = careful
            self.unload()
            try:
                self.check()
                return None
            except (Busy, FileGone, ServerGone):
                raise
            except UserError as error:
                if careful or self.provider.name == CPU:
                    return anew(error)
        return None

    def unload(self) -> None:
        """Free the memory of all sessions, and make room for another bundle's. Runs in progress finish; the next run
        opens the sessions again."""
        self._cache.forget(self)
        self.drop_sessions()

    def drop_sessions(self) -> None:
        """Free the memory of all sessions, for the cache, which has let this engine go already."""
        with self._loading:
            self._queues.clear()

    def close(self) -> None:
        """Free the memory of a bundle that is served no more. Requests in progress finish, and keep nothing."""
        self._closed = True
        self.unload()

    def _run(self, graph: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        queue = self._queues.get(graph) or self._queue(graph)
        if not self._closed:
            self._cache.use(self)
        check_inputs(self.bundle.info, graph, inputs)
        names = [tensor.name for tensor in self.bundle.info.graphs[graph].outputs]
        if len(next(iter(inputs.values()))) <= queue.most:
            outputs, seconds = queue(dict(inputs))
            found = dict(zip(names, outputs, strict=True))
        else:
            found, seconds = self._run_in_parts(queue, inputs, names)
        self.last_ms = seconds * 1000
        self._thread.spent_ms = self.spent_ms + self.last_ms
        return found

    def _run_in_parts(
        self, queue: BatchQueue, inputs: Mapping[str, np.ndarray], names: list[str]
    ) -> tuple[dict[str, np.ndarray], float]:
        """A large batch in chunks: other visitors' single pictures get their turn in between."""
        parts = [queue(part) for part in feed_parts(inputs, queue.most)]
        chunks = zip(names, zip(*(outputs for outputs, _ in parts), strict=True), strict=True)
        return {name: np.concatenate(many) for name, many in chunks}, sum(seconds for _, seconds in parts)

    def check(self) -> None:
        """Run every graph on inputs whose outputs are known. Raises BundleError when one misbehaves."""
        check_graphs(self.bundle, self._run)

    def _queue(self, graph: str) -> BatchQueue:
        with self._loading:
            if graph not in self._queues:
                self.bundle.info.require_graph(graph)
                most = self.provider.max_rows(self.bundle.info.image.pixels)
                queue = BatchQueue(self._opener(self.bundle, graph), most, self._cache.slots)
                queue.tally = self._tally.setdefault(graph, queue.tally)
                self._queues[graph] = queue
            return self._queues[graph]

    def _open_here(self, bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        """The function that runs a graph in sessions of this process."""
        entry, adapter = bundle.info.graphs[graph], bundle.info.graphs[graph].adapter
        names = [adapter.image] if adapter else [tensor.name for tensor in entry.outputs]

        def opened(threads: int | None = None, few_rows: bool = False) -> ort.InferenceSession:
            data = graph_bytes(bundle, graph)
            try:
                return open_session(data, self.provider, self._careful, threads, patterns=few_rows)
            except RuntimeUnavailable:
                raise
            except Exception as error:  # onnxruntime's errors share no base class
                raise faulty(bundle, graph, f"cannot be loaded ({first_line(error)})") from error

        run_session: Callable[[Feed, ort.RunOptions], list[np.ndarray]]
        if self.provider.name == CPU:
            self._names[graph] = CPU
            run_session = CpuSession(opened, names, default_threads(), adapter).run
        else:
            session = opened()
            self._names[graph] = session.get_providers()[0]
            if adapter:
                run_session = _adapted(session, adapter)
            elif self._names[graph] == CUDA:
                run_session = CudaGraphSession(session, entry.inputs, entry.outputs, "cuda").run
            else:
                run_session = functools.partial(session.run, names)

        def run(feed: Feed, until: float) -> list[np.ndarray]:
            with self._cache.watchdog.limit(until) as options:
                try:
                    return run_session(feed, options)
                except Exception as error:
                    if options.terminate:
                        raise Busy("This took too long and was stopped; ask for fewer pictures at once.") from error
                    raise

        return run


def anew(error: UserError) -> UserError:
    """The same error without what it holds of where it was raised: each time that one is raised, it keeps the inputs of
    that request."""
    return type(error)(str(error))


def _adapted(session: ort.InferenceSession, adapter: Adapter) -> Callable[[Feed, ort.RunOptions], list[np.ndarray]]:
    """Runs a graph that was exported elsewhere in a session."""

    def run(feed: Feed, options: ort.RunOptions) -> list[np.ndarray]:
        return adapt(lambda rows: session.run([adapter.image], rows, options), adapter)(feed)

    return run
