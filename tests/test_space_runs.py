"""A Space as the Hub runs it: its requirements alone, `python demo/app.py` in its folder, pictures over gradio_client.

TWOFOLD_DEMO_PYTHON may name the interpreter of an environment with demo/requirements.txt installed (.ci/run has one);
without it the test makes an environment of its own, which takes a minute and needs a package index.
"""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import pytest
from gradio_client import Client
from PIL import Image

from export.targets import space

RELEASED = Path(__file__).resolve().parents[1] / "artifacts" / "mnist"
SEEDS = [0, 1, 25, 4_294_967_295]
PORT = 7860  # where a Space is expected
PATIENCE = 120  # seconds until the address is printed


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "space"
    space.write([RELEASED], folder, None, space.Destination())
    return folder


@pytest.fixture(scope="module")
def interpreter(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has what the Space asks for, and nothing of training."""
    ready = os.environ.get("TWOFOLD_DEMO_PYTHON")
    if ready:
        wanted = [ready, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", "-r", "requirements.txt"]
        report = subprocess.run(wanted, cwd=staged, capture_output=True, text=True, check=True).stdout
        assert json.loads(report)["install"] == []
        return ready
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = str(home / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "-r", "requirements.txt"]
    done = subprocess.run(install, cwd=staged, capture_output=True, text=True)
    if done.returncode and "connection" in done.stderr.lower():
        pytest.skip("no package index can be reached, and TWOFOLD_DEMO_PYTHON names no environment")
    assert done.returncode == 0, done.stderr
    return python


@pytest.fixture(scope="module")
def address(staged: Path, interpreter: str) -> Iterator[str]:
    """Where the Space answers, once it says so: on the Hub's port, or on one of the environment where that is taken."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"GRADIO_SERVER_NAME": "0.0.0.0"}
    other = free_port()
    for port, more in ((PORT, {}), (other, {"GRADIO_SERVER_PORT": str(other)})):
        if not free(port):
            continue
        with served(staged, interpreter, environment | more) as line:
            if line == f"Twofold is at http://127.0.0.1:{port}\n":
                yield f"http://127.0.0.1:{port}"
                return
    pytest.fail("the Space did not start")


@contextmanager
def served(folder: Path, interpreter: str, environment: dict[str, str]) -> Iterator[str]:
    """The first line that the Space prints; empty when it ends without one."""
    command = [interpreter, "demo/app.py"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as server:
        patience = threading.Timer(PATIENCE, server.kill)
        patience.start()
        try:
            yield server.stdout.readline()
        finally:
            patience.cancel()
            server.terminate()


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def drawn(*graphs: str, **inputs: np.ndarray) -> np.ndarray:
    """Bytes [N, H, W] of what onnxruntime draws here, each graph taking the output of the one before."""
    for graph in graphs:
        session = onnxruntime.InferenceSession(RELEASED / f"{graph}.onnx", providers=["CPUExecutionProvider"])
        (output,) = session.run(None, inputs)
        inputs = {"w": output}
    return np.rint(output[:, 0] * 255).astype(np.uint8)


def test_the_environment_holds_no_training(interpreter: str):
    absent = "import importlib.util as u; print([n for n in ('torch', 'onnx', 'tyro', 'sklearn') if u.find_spec(n)])"
    assert subprocess.run([interpreter, "-c", absent], capture_output=True, text=True).stdout.strip() == "[]"


def test_visitors_reach_it_and_get_the_models_pictures(address: str):
    assert httpx.get(f"{address}/healthz").json()["status"] == "ok"
    answer = Client(address, verbose=False).predict(SEEDS, api_name="/sample")
    z = np.stack([np.random.Generator(np.random.PCG64(seed)).standard_normal(64) for seed in SEEDS])
    classes = np.eye(10, dtype=np.float32)[[seed % 10 for seed in SEEDS]]
    expected = drawn("mapping", "synthesis", z=z.astype(np.float32), classes=classes)
    for address_of_picture, picture in zip(answer["images"], expected, strict=True):
        data = base64.b64decode(address_of_picture.partition("base64,")[2])
        assert (np.asarray(Image.open(io.BytesIO(data))) == picture).all() and picture.max() > 200
