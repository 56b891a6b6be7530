"""Runs ONNX files of strangers in a process of its own with limits on memory, processor time and file size.

The child is `python -m demo.serving.sandbox`. It sets the limits, as far as the system has them (`missing_limits` says
which it lacks), then either adopts one file or runs the generator of one bundle over its standard input and output:
each way a line of JSON, then the bytes of float32 arrays. Whatever goes wrong in the child ends it and becomes an error
here. Who may send a file, and what becomes of it, is in demo/routes/uploads.py: apart from this module, so that the
child does not load a web server.
"""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from bundle.errors import BundleError, Busy, UserError
from bundle.feeds import Feed
from bundle.read import OpenBundle, graph_bytes, read
from demo.serving.batching import TimedGraphFunction

REPOSITORY = Path(__file__).resolve().parents[2]
MEMORY = 4_000_000_000  # bytes of address space; onnxruntime's libraries take most of the first billion
FILE_SIZE = 512_000_000  # bytes of a file that it writes
LOOK_EVERY = 0.05  # seconds between two looks at the memory, where the system does not limit it
ADOPTING_CPU_SECONDS = 60  # processor time for adopting one file
SERVING_CPU_SECONDS = 1200  # and for one child that draws; then a new one is started
ADOPTING_SECONDS = 60.0  # clock time for adopting
NO_MEMORY = ("MemoryError", "bad_alloc")  # in a child's last words
OVER_LIMITS = tuple(-getattr(signal, name) for name in ("SIGKILL", "SIGXCPU") if hasattr(signal, name))
"""Exit codes of a child that the system ended for its memory or its time."""
PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")


def adopt_there(file: Path, target: Path, name: str, title: str) -> None:
    """`bundle.adopt.adopt` in a process with limits. Raises UserError with its message, or one about the limits."""
    command = [sys.executable, "-m", "demo.serving.sandbox", "adopt", str(file), str(target), name, title]
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=ADOPTING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"Reading this model timed out after {ADOPTING_SECONDS:g} s.") from error
    if done.returncode == 2:
        raise UserError(done.stderr.strip().splitlines()[-1])
    if done.returncode in OVER_LIMITS or any(words in done.stderr for words in NO_MEMORY):
        raise UserError("This model exceeds the limit on memory or time for visitors' models.")
    if done.returncode:
        raise UserError("This model cannot be read: the process that reads it ended unexpectedly.")


def missing_limits() -> str:
    """What to say of the limits that this system does not set; "" where it sets all of them. Raises UserError where
    none of these processes can run."""
    command = [sys.executable, "-m", "demo.serving.sandbox", "limits"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError("--allow-models does not work here: the process in which models would run ended unexpectedly.")
    refused = json.loads(done.stdout)
    if not refused:
        return ""
    words = f"This system does not limit these of visitors' models: {', '.join(refused)}."
    if "memory" in refused and os.name == "posix":
        words += f" They are ended once they have taken more than {MEMORY // 10**9} GB of memory."
    return words


class Sandbox:
    """The generator of one bundle in a process with limits. A child that has ended is replaced at the next request."""

    def __init__(self, bundle: OpenBundle):
        self._bundle = bundle
        self._child: subprocess.Popen | None = None
        self._closed = False
        self._lock = threading.Lock()

    def open(self, bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        """The function that runs a graph in the child (demo.serving.engine.Opener)."""
        shapes = [tensor.row_shape for tensor in bundle.info.graphs[graph].outputs]

        def run(feed: Feed, until: float) -> list[np.ndarray]:
            rows = len(next(iter(feed.values())))
            with self._lock:
                return self._ask(feed, [(rows, *shape) for shape in shapes], until)

        return run

    @property
    def pid(self) -> int | None:
        """The number of the child's process; None while there is none."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """End the child; whoever still asks is told so, and starts no other one."""
        with self._lock:
            self._closed = True
            self._end()

    def _ask(self, feed: Feed, shapes: list[tuple[int, ...]], until: float, again: bool = True) -> list[np.ndarray]:
        """The outputs of these shapes. A child that the system ended, as its time was used up by others before, is
        replaced once (`again`)."""
        child = self._started()
        assert child.stdin and child.stdout  # both are pipes
        timer = threading.Timer(max(0.0, until - time.monotonic()), child.kill)
        timer.start()
        try:
            send(child.stdin, dict(feed))
            answer = receive(child.stdout, sum(map(math.prod, shapes)))
        except (OSError, ValueError, EOFError) as error:
            over_limits = not isinstance(error, ValueError) and _ending_of(child) in OVER_LIMITS
            self._end()
            if time.monotonic() >= until:
                raise Busy("This model took too long and was stopped; ask for fewer pictures at once.") from error
            if over_limits and again:
                return self._ask(feed, shapes, until, again=False)
            raise BundleError("This model stopped unexpectedly; it may have run out of memory.") from error
        finally:
            timer.cancel()
        outputs = [answer[f"{i}"] for i in range(len(shapes)) if f"{i}" in answer]
        if [output.shape for output in outputs] != shapes:
            raise BundleError("This model does not run.")
        return outputs

    def _started(self) -> subprocess.Popen:
        """The child, a new one where there is none. Raises BundleError once the sandbox is closed."""
        if self._closed:
            raise BundleError("This model is not here any more: newer ones have taken its place.")
        if self._child is None or self._child.poll() is not None:
            command = [sys.executable, "-m", "demo.serving.sandbox", "serve", str(self._bundle.folder)]
            self._child = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                with suppress(BrokenPipeError):  # what was written but not read
                    if pipe:
                        pipe.close()
            self._child = None


# ------------------------------------------------------------------------------------------ messages


def _ending_of(child: subprocess.Popen) -> int | None:
    """The exit code of a child whose pipes have closed; None for one that goes on nevertheless."""
    try:
        return child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None


def send(pipe: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write float32 arrays by name: a line of JSON with their shapes, then their bytes."""
    head = {name: array.shape for name, array in arrays.items()}
    pipe.write(json.dumps(head).encode() + b"\n")
    for array in arrays.values():
        pipe.write(np.ascontiguousarray(array, dtype="<f4").tobytes())
    pipe.flush()


def receive(pipe: IO[bytes], most: int) -> dict[str, np.ndarray]:
    """Read what `send` wrote, at most `most` numbers. Raises EOFError at the end, ValueError for anything malformed."""
    line = pipe.readline(10_000)
    if not line:
        raise EOFError
    try:
        shapes = {name: tuple(map(int, shape)) for name, shape in json.loads(line).items()}
    except (AttributeError, TypeError, OverflowError, RecursionError) as error:  # JSON, but not what `send` writes
        raise ValueError("no shapes by name") from error
    if sum(map(math.prod, shapes.values())) > most or any(n < 0 for shape in shapes.values() for n in shape):
        raise ValueError("more numbers than expected")
    found = {}
    for name, shape in shapes.items():
        data = pipe.read(4 * math.prod(shape))
        if len(data) < 4 * math.prod(shape):
            raise EOFError
        found[name] = np.frombuffer(data, "<f4").reshape(shape)
    return found


# --------------------------------------------------------------------------------------- in the child


def limit(seconds: int) -> list[str]:
    """Limit memory, processor time, file size and core dumps, each at most as high as the system allows. Returns
    those that it does not limit; where memory is one of them, as on macOS, this process ends once it has taken more
    than MEMORY."""
    wanted = {"memory": MEMORY, "processor time": seconds, "size of files": FILE_SIZE, "core dumps": 0}
    try:
        import resource
    except ImportError:  # Windows
        return list(wanted)
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    refused = []
    for kind, (what, value) in zip(kinds, wanted.items(), strict=True):
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            refused.append(what)
    if "memory" in refused:
        threading.Thread(target=_end_over_memory, daemon=True).start()
    return refused


def _end_over_memory() -> None:
    """Ends this process, as the system would, once the memory that it took was more than MEMORY."""
    most = max(MEMORY, _peak())  # at the beginning it may be that of the server, which began this process
    while _peak() <= most:
        time.sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGKILL)


def _peak() -> int:
    """The most memory that this process has held at a time, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def serve(folder: Path) -> None:
    """Answer requests until the input ends. What cannot be run is answered with no arrays."""
    from bundle.adapter import graph_function
    from bundle.sessions import choose_provider, open_session

    bundle = read(folder)
    entry = bundle.info.graphs["generator"]
    session = open_session(graph_bytes(bundle, "generator"), choose_provider("cpu"))
    draw = graph_function(session, entry)
    most = bundle.info.max_batch * sum(math.prod(tensor.row_shape) for tensor in entry.inputs)
    with open(sys.stdout.fileno(), "wb", closefd=False) as out, open(sys.stdin.fileno(), "rb", closefd=False) as asked:
        while True:
            try:
                feed = receive(asked, most)
            except EOFError:
                return
            try:
                outputs = draw(feed)
            except Exception:  # onnxruntime's errors share no base class; the parent reports it
                outputs = []
            send(out, {f"{i}": output for i, output in enumerate(outputs)})


def main(words: list[str]) -> int:
    """The child. Returns the exit code: 0, or 2 after printing an error."""
    refused = limit(ADOPTING_CPU_SECONDS if words[0] == "adopt" else SERVING_CPU_SECONDS)
    if words[0] == "limits":
        print(json.dumps(refused))
        return 0
    try:
        if words[0] == "serve":
            serve(Path(words[1]))
        else:
            from bundle.adopt import About, adopt

            adopt(Path(words[1]), Path(words[2]), About(words[3], words[4]), alone=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def environment() -> dict[str, str]:
    """The few variables that a child needs: none of the server's settings, above all no tokens."""
    return {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ} | {"ORT_DISABLE_TELEMETRY": "1"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
