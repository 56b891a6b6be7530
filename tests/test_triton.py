"""A bundle in a real Triton: exported, loaded by the server itself, asked through the demo's own client.

The server comes with the wheel of nvidia-pytriton, which carries the python backend alone: the twin runs there, and the
configurations of the onnxruntime backend get as far as to that backend.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from bundle.adopt import About, adopt
from bundle.errors import BundleError, RuntimeUnavailable
from bundle.generator_inputs import Given
from bundle.images import to_uint8
from bundle.latents import Mixture, one_hot, seed_latent
from bundle.read import OpenBundle, read
from bundle.sessions import Provider, choose_provider
from demo.serving import kserve_client
from demo.serving.engine import Engine
from export.__main__ import main as export
from tests.support import foreign, tiny
from tests.support.server import free_port
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[1]
WHEEL = REPOSITORY / "build" / "tritonserver"
BINARIES = WHEEL / "pytriton" / "tritonserver"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STUB = BINARIES / "python_backend_stubs" / PYTHON / "triton_python_backend_stub"
OWN = Path(sysconfig.get_config_var("LIBDIR") or "/", f"libpython{PYTHON}.so.1.0")  # not every Python has one
LIBRARIES = f"{WHEEL / 'nvidia_pytriton.libs'}:{OWN.parent}"
LOADED = ("tiny_generator", "tiny_decoder", "tiny_repair", "mnist_generator", "mnist_encoder", "foreign_generator")


def missing() -> str | None:
    """Why Triton cannot run here; None if it can."""
    if not (BINARIES / "bin" / "tritonserver").exists():
        return "no Triton here: pip install --no-deps --target build/tritonserver -r tests/requirements-triton.txt"
    if not STUB.exists():
        return f"this Triton runs no models of Python {PYTHON}"
    found = subprocess.run(
        ["ldd", STUB], env=os.environ | {"LD_LIBRARY_PATH": LIBRARIES}, capture_output=True, text=True
    )
    lacking = re.findall(r"(\S+) => not found", found.stdout + found.stderr)
    return f"Triton misses {', '.join(lacking)}: apt-get install libpython{PYTHON}" if lacking else None


pytestmark = pytest.mark.skipif((REASON := missing()) is not None, reason=REASON or "")


@dataclass(frozen=True)
class Triton:
    """A running server, its log, and the bundles that it serves."""

    url: str
    log: Path
    tiny: OpenBundle
    mnist: OpenBundle
    foreign: OpenBundle


@pytest.fixture(scope="module")
def triton(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    root = tmp_path_factory.mktemp("triton")
    released = REPOSITORY / "artifacts" / "mnist"
    (root / "foreign.onnx").write_bytes(foreign.exported())
    adopt(root / "foreign.onnx", root / "foreign", About("foreign", "Foreign"), Given(classes=tuple("abcde")))
    for bundle in (tiny_bundle, released, root / "foreign"):
        assert export(["triton", str(bundle), str(root / "models"), "--python-backend", "--device", "cpu"]) == 0
    plain = tiny.build(root / "plain", "plain", classes=0)
    for device in ("auto", "cpu", "gpu"):
        assert export(["triton", str(plain), str(root / device), "--device", device]) == 0
        for model in (root / device).glob("plain_*"):
            text = (model / "config.pbtxt").read_text().replace('"plain_', f'"{device}_')
            shutil.copytree(model, root / "models" / model.name.replace("plain", device))
            (root / "models" / model.name.replace("plain", device) / "config.pbtxt").write_text(text)
    shutil.copytree(BINARIES / "backends" / "python", root / "backends" / "python")
    shutil.copy(STUB, root / "backends" / "python")
    port = free_port()
    server = subprocess.Popen(
        [
            BINARIES / "bin" / "tritonserver",
            f"--model-repository={root / 'models'}",
            f"--backend-directory={root / 'backends'}",
            "--model-control-mode=explicit",
            *(f"--load-model={model}" for model in LOADED),
            "--http-address=127.0.0.1",
            f"--http-port={port}",
            "--allow-grpc=false",
            "--allow-metrics=false",
        ],
        env=os.environ
        | {
            "LD_LIBRARY_PATH": LIBRARIES,
            "PYTHONHOME": sys.base_prefix if OWN.exists() else "/usr",
            "PYTHONPATH": sysconfig.get_path("purelib"),
        },
        stdout=(root / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        bundles = map(read, (tiny_bundle, released, root / "foreign"))
        yield Triton(ready(server, port, root / "log"), root / "log", *bundles)
    finally:
        server.terminate()
        server.wait(timeout=30)


def ready(server: subprocess.Popen, port: int, log: Path) -> str:
    """The address, once the server is ready there."""
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            kserve_client.connect(url, timeout=2).close()
            return True
        except RuntimeUnavailable:
            return False

    wait_until(lambda: server.poll() is not None or answers(), seconds=120, pause=0.2)
    assert server.poll() is None, f"Triton did not start:\n{log.read_text()[-4000:]}"
    return url


@pytest.fixture(scope="module")
def server(triton: Triton) -> Iterator[kserve_client.InferenceServer]:
    found = kserve_client.connect(triton.url, timeout=60)
    yield found
    found.close()


def feed(bundle: OpenBundle, graph: str, batch: int) -> dict[str, np.ndarray]:
    """Seeded inputs of a graph."""
    dice, feed = np.random.default_rng(batch), {}
    for tensor in bundle.info.graphs[graph].inputs:
        shape = (batch, *tensor.shape[1:])
        if tensor.name == "classes":
            feed["classes"] = np.stack([one_hot(row % shape[1], shape[1]) for row in range(batch)])
        elif tensor.name == "z":
            feed["z"] = np.stack([seed_latent(row, shape[1]) for row in range(batch)])
        else:
            feed[tensor.name] = dice.random(shape, np.float32)
    return feed


def here(bundle: OpenBundle, graph: str, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What this machine's own engine gives."""
    return list(Engine(bundle, choose_provider("cpu")).run(graph, inputs).values())


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in zip(one, other, strict=True))


# --- pictures ------------------------------------------------------------------------------------


def test_it_says_what_it_is(server: kserve_client.InferenceServer, triton: Triton):
    assert server.name == f"Triton 2.51.0 at {triton.url.removeprefix('http://')}" and server.binary


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "json"])
@pytest.mark.parametrize("model", LOADED)
def test_outputs_are_bit_for_bit_those_of_the_local_engine(
    triton: Triton, server: kserve_client.InferenceServer, model: str, binary: bool
):
    name, graph = model.split("_")
    bundle = {"tiny": triton.tiny, "mnist": triton.mnist, "foreign": triton.foreign}[name]
    remote = dataclasses.replace(server, binary=binary).graph(bundle, graph)
    for batch in (1, 5, 33):
        inputs = feed(bundle, graph, batch)
        outputs = remote(inputs)
        assert [o.shape for o in outputs] == [(batch, *t.shape[1:]) for t in bundle.info.graphs[graph].outputs]
        assert same(outputs, here(bundle, graph, inputs)), (model, batch)


def test_people_who_draw_at_once_get_their_own_pictures(triton: Triton, server: kserve_client.InferenceServer):
    """Requests of several sizes that Triton joins into batches, and takes apart again."""
    draw, barrier = server.graph(triton.mnist, "generator"), threading.Barrier(8)
    inputs = feed(triton.mnist, "generator", 64)
    wanted = here(triton.mnist, "generator", inputs)[0]
    rows = [range(k * 8, k * 8 + 1 + k) for k in range(8)]

    def visit(mine: range) -> bool:
        barrier.wait()
        return all(same(draw({n: a[mine] for n, a in inputs.items()}), [wanted[mine]]) for _ in range(3))

    with ThreadPoolExecutor(8) as people:
        assert all(people.map(visit, rows))
    told = httpx.get(f"{triton.url}/v2/models/mnist_generator/stats").json()["model_stats"][0]
    assert told["execution_count"] < told["inference_stats"]["success"]["count"]  # some did share a run


# --- models that are not there, or are others ----------------------------------------------------


def test_the_engine_draws_there(triton: Triton, server: kserve_client.InferenceServer):
    """As with --inference-server: many threads, one line, the server's pictures; and other weights are found out."""
    provider = Provider("server", server.name, "named by --inference-server.")
    # This Triton has some of its graphs only.
    only = {"gan": None, "graphs": {"decoder": triton.tiny.info.graphs["decoder"]}}
    vae = dataclasses.replace(triton.tiny, info=triton.tiny.info.model_copy(update=only))
    mixture, rows = Mixture.from_latents(vae.latents), [one_hot(seed, 10) for seed in range(2)]
    codes = np.stack([mixture.sample(seed, row) for seed, row in enumerate(rows)])
    golden = to_uint8(here(triton.tiny, "decoder", {"z": codes})[0])
    engine = Engine(dataclasses.replace(vae, golden=golden), provider, opener=kserve_client.opener(server))
    z = np.stack([seed_latent(seed, tiny.CODE) for seed in range(70)])
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda part: engine.run("decoder", {"z": part})["image"], np.split(z, 14)))
    assert same([np.concatenate(drawn)], here(triton.tiny, "decoder", {"z": z}))
    assert engine.active == server.name and engine.spent_ms >= 0

    for sheet, right in ((golden, True), (255 - golden, False)):
        one = Engine(dataclasses.replace(vae, golden=sheet), provider, opener=kserve_client.opener(server))
        with nullcontext() if right else pytest.raises(BundleError, match="does not draw the pictures of its sample"):
            one.ensure_checked()


def test_a_generator_from_elsewhere_draws_there_too(triton: Triton, server: kserve_client.InferenceServer):
    """By the names and values of the format, which its file does not have: held against its sample sheet."""
    provider = Provider("server", server.name, "named by --inference-server.")
    engine = Engine(triton.foreign, provider, opener=kserve_client.opener(server))
    engine.ensure_checked()
    feed_of_seeds = feed(triton.foreign, "generator", 40)
    assert same(list(engine.run("generator", feed_of_seeds).values()), here(triton.foreign, "generator", feed_of_seeds))


def test_a_model_that_is_not_loaded(triton: Triton, server: kserve_client.InferenceServer):
    with pytest.raises(RuntimeUnavailable, match=r"^Triton 2\.51\.0 at .* has no model 'tiny_critic' .*export"):
        server.graph(triton.tiny, "critic")


def test_a_model_of_another_shape(tmp_path: Path, server: kserve_client.InferenceServer):
    other = read(tiny.build(tmp_path / "tiny", channels=3))
    words = r"outputs are image FP32 \[-1, 1, 32, 32\] instead of image FP32 \[-1, 3, 32, 32\]"
    with pytest.raises(RuntimeUnavailable, match=words):
        server.graph(other, "generator")
    unconditional = read(tiny.build(tmp_path / "plain", classes=0))
    with pytest.raises(RuntimeUnavailable, match="inputs are classes FP32"):
        server.graph(unconditional, "generator")


def test_a_batch_beyond_what_the_server_takes(triton: Triton, server: kserve_client.InferenceServer):
    words = r"does not run model 'tiny_decoder': status 400 .*batch-size must be <= 256"
    with pytest.raises(RuntimeUnavailable, match=words):
        server.graph(triton.tiny, "decoder")(feed(triton.tiny, "decoder", 257))


# --- configurations ------------------------------------------------------------------------------


def load(triton: Triton, model: str) -> str:
    """What Triton says to a request to load a model."""
    return httpx.post(f"{triton.url}/v2/repository/models/{model}/load", json={}, timeout=60).text


@pytest.mark.parametrize("device", ["auto", "cpu", "gpu"])
def test_triton_reads_the_configurations_of_the_onnxruntime_backend(triton: Triton, device: str):
    for graph in triton.tiny.info.graphs:
        assert "unable to find backend library for backend 'onnxruntime'" in load(triton, f"{device}_{graph}")


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("max_queue_delay_microseconds", "max_queue_delay", "failed to read text proto"),
        ("64 ]", "640 ]", "preferred size must be <= max batch size"),
    ],
)
def test_triton_would_have_found_a_mistake(triton: Triton, right: str, wrong: str, says: str):
    path = triton.log.parent / "models" / "cpu_critic" / "config.pbtxt"
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    try:
        assert says in load(triton, "cpu_critic") + triton.log.read_text()
    finally:
        path.write_text(text)


def test_what_triton_made_of_the_twins_configuration(triton: Triton):
    config = httpx.get(f"{triton.url}/v2/models/mnist_generator/config").json()
    assert config["backend"] == "python" and config["max_batch_size"] == 256
    assert config["dynamic_batching"]["max_queue_delay_microseconds"] == 2000
    assert config["dynamic_batching"]["preferred_batch_size"] == [4, 16, 64]
    assert [group["kind"] for group in config["instance_group"]] == ["KIND_CPU"]
    assert config["parameters"]["device"] == {"string_value": "cpu"}
