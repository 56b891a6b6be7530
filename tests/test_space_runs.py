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
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import pytest
from gradio_client import Client
from PIL import Image

from bundle.model import Model
from export.targets import hub, space
from tests.support import server
from tests.support.released import ARTIFACTS, EVERY, NAMES, SEEDS, drawn

STAGED = NAMES
PORT = 7860  # where the Hub expects a Space
MNIST_SEEDS = [0, 1, 25, 4_294_967_295]

pytestmark = [pytest.mark.serving, pytest.mark.long]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space's folder with as many released bundles as it may hold."""
    folder = tmp_path_factory.mktemp("hub") / "space"
    space.write([ARTIFACTS / name for name in STAGED], folder, None, hub.Destination())
    return folder


@pytest.fixture(scope="module")
def interpreter(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has what the Space asks for, and nothing of training."""
    if server.DEMO_PYTHON:
        wanted = [server.DEMO_PYTHON, "-m", "pip", "install", "--dry-run", "-q", "--report", "-"]
        command = [*wanted, "-r", "requirements.txt"]
        report = subprocess.run(command, cwd=staged, capture_output=True, text=True, check=True).stdout
        assert json.loads(report)["install"] == []
        return server.DEMO_PYTHON
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
    """Where the Space answers, once it says so: on the Hub's port, or on one that the environment names if that is
    taken."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"GRADIO_SERVER_NAME": "0.0.0.0"}
    other = server.free_port()
    for port, more in ((PORT, {}), (other, {"GRADIO_SERVER_PORT": str(other)})):
        if not free(port):
            continue
        with server.started(python=(interpreter,), folder=staged, environment=environment | more) as (_, line):
            if line == f"{server.GREETING}http://127.0.0.1:{port}\n":
                yield f"http://127.0.0.1:{port}"
                return
    pytest.fail("the Space did not start")


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def by_onnxruntime(*graphs: str, **inputs: np.ndarray) -> np.ndarray:
    """Bytes [N, H, W] of what the digits' graphs draw here, each graph taking the output of the one before."""
    for graph in graphs:
        session = onnxruntime.InferenceSession(
            ARTIFACTS / "mnist" / f"{graph}.onnx", providers=["CPUExecutionProvider"]
        )
        (output,) = session.run(None, inputs)
        inputs = {"w": output}
    return np.rint(output[:, 0] * 255).astype(np.uint8)


def sampled(address: str, seeds: list[int], bundle: str, model: Model) -> list[np.ndarray]:
    """The pictures that the Space's endpoint draws."""
    answer = Client(address, verbose=False).predict(seeds, bundle, model, api_name="/sample")
    data = (base64.b64decode(picture.partition("base64,")[2]) for picture in answer["images"])
    return [np.asarray(Image.open(io.BytesIO(png))) for png in data]


def test_the_environment_holds_no_training(interpreter: str):
    absent = "import importlib.util as u; print([n for n in ('torch', 'onnx', 'tyro', 'sklearn') if u.find_spec(n)])"
    assert subprocess.run([interpreter, "-c", absent], capture_output=True, text=True).stdout.strip() == "[]"


def test_visitors_reach_it_and_get_the_models_pictures(address: str):
    """As anyone computes them with numpy and onnxruntime alone."""
    assert httpx.get(f"{address}/healthz").json()["status"] == "ok"
    z = np.stack([np.random.Generator(np.random.PCG64(seed)).standard_normal(64) for seed in MNIST_SEEDS])
    classes = np.eye(10, dtype=np.float32)[[seed % 10 for seed in MNIST_SEEDS]]
    expected = by_onnxruntime("mapping", "synthesis", z=z.astype(np.float32), classes=classes)
    for found, picture in zip(sampled(address, MNIST_SEEDS, "mnist", "gan"), expected, strict=True):
        assert (found == picture).all() and picture.max() > 200


@pytest.mark.parametrize(("bundle", "model"), EVERY)
def test_its_pictures_are_those_of_the_repository(address: str, bundle: str, model: Model):
    for found, picture in zip(sampled(address, list(SEEDS), bundle, model), drawn(bundle, model), strict=True):
        assert (found.reshape(picture.shape) == picture).all()
