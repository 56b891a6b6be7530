"""The engine: honest processors, valid inputs, equal bytes, faults found before a visitor finds them."""

import dataclasses
import gc
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bundle.errors import BundleError, InputError, ServerGone
from bundle.read import OpenBundle, read
from bundle.sessions import Provider, choose_provider, default_threads
from demo.serving.batching import Caller, TimedGraphFunction, on_behalf_of
from demo.serving.engine import Engine, EngineCache
from demo.serving.served_bundle import open_bundles
from tests.support import tiny
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path) -> Engine:
    return Engine(read(tiny_bundle), choose_provider("cpu"))


def codes(count: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, tiny.CODE)).astype(np.float32)


# --- runs ----------------------------------------------------------------------------------------


def test_chunks_join_in_order_and_equal_single_runs(engine: Engine):
    z = codes(2 * engine.provider.max_rows(32 * 32) + 3)
    together = engine.run("decoder", {"z": z})["image"]
    alone = np.concatenate([engine.run("decoder", {"z": z[i : i + 1]})["image"] for i in range(len(z))])
    assert together.shape == (131, 1, 32, 32)
    assert np.abs(together - alone).max() < 1e-6


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "exactly these inputs: z"),
        ({"z": codes(1), "extra": codes(1)}, "exactly these inputs: z"),
        ({"noise": codes(1)}, "exactly these inputs: z"),
        ({"z": codes(1).astype(np.float64)}, "must be float32"),
        ({"z": codes(1)[:, :3]}, "must be float32"),
        ({"z": codes(1)[0]}, "must be float32"),
        ({"z": codes(0)}, "From 1 to 256"),
        ({"z": np.zeros((257, tiny.CODE), np.float32)}, "From 1 to 256"),
        ({"z": np.full((1, tiny.CODE), np.nan, np.float32)}, "not finite"),
        ({"z": np.full((1, tiny.CODE), np.inf, np.float32)}, "not finite"),
    ],
)
def test_unusable_inputs_are_refused(engine: Engine, inputs: dict[str, np.ndarray], words: str):
    with pytest.raises(InputError, match=words):
        engine.run("decoder", inputs)


def test_inputs_of_different_batch_sizes_are_refused(engine: Engine):
    classes = np.eye(10, dtype=np.float32)
    with pytest.raises(InputError, match=r"'classes'"):
        engine.run("mapping", {"z": np.zeros((3, tiny.LATENT), np.float32), "classes": classes[:2]})


def test_a_graph_that_the_bundle_lacks(engine: Engine):
    assert engine.has("decoder") and not engine.has("upscaler")
    with pytest.raises(BundleError, match="no graph 'upscaler'"):
        engine.run("upscaler", {})


def test_many_threads_get_their_own_right_answers(engine: Engine):
    z = codes(24)
    wanted = engine.run("decoder", {"z": z})["image"]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(5):
            if np.abs(engine.run("decoder", {"z": z[i : i + 1]})["image"] - wanted[i]).max() > 1e-6:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_load_is_bounded(tiny_bundle: Path):
    """At most one run a core goes on at a time, whatever the number of callers, graphs and bundles."""
    cache, running, peak, guard, go = EngineCache(), [0], [0], threading.Lock(), threading.Event()

    def slow(feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        with guard:
            running[0] += 1
            peak[0] = max(peak[0], running[0])
        go.wait(20)
        with guard:
            running[0] -= 1
        return [np.zeros((len(feed["z"]), 1, 32, 32), np.float32)]

    bundle, provider = read(tiny_bundle), choose_provider("cpu")
    engines = [Engine(bundle, provider, cache, lambda bundle, graph: slow) for _ in range(default_threads() + 3)]
    threads = [threading.Thread(target=one._run, args=("decoder", {"z": codes(1)})) for one in engines]
    for thread in threads:
        thread.start()
    wait_until(lambda: running[0] >= default_threads())
    time.sleep(0.1)  # were there no bound, the others would come too
    go.set()
    for thread in threads:
        thread.join(60)
    assert peak[0] == default_threads()


def test_pictures_do_not_depend_on_who_else_draws(tiny_bundle: Path):
    """Bit for bit: what a seed shows may not change because somebody else is there."""
    cache = EngineCache()
    engine = Engine(read(tiny_bundle), choose_provider("cpu"), cache)
    fitting = 8  # requests in one run
    rows = engine.provider.max_rows(32 * 32) // fitting
    z = np.split(codes((2 + 2 * fitting) * rows), 2 + 2 * fitting)
    alone = [engine.run("decoder", {"z": part})["image"] for part in z]
    before, found = engine.tally["decoder"].runs, {}

    def work(i: int) -> None:
        with on_behalf_of(Caller(time.monotonic() + 120)):
            found[i] = engine.run("decoder", {"z": z[i]})["image"]

    for _ in range(default_threads()):  # no run can begin, so the first request is held up and the others wait for it
        cache.slots.acquire()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(z))]
    for thread in threads:
        thread.start()
    wait_until(lambda: engine.waiting["decoder"] >= len(z) - 1, 60)
    for _ in range(default_threads()):
        cache.slots.release()
    for thread in threads:
        thread.join(60)
    assert all(np.array_equal(found[i], alone[i]) for i in range(len(z)))
    assert engine.tally["decoder"].runs - before == 4  # one alone, two full runs, the last one


def test_only_some_bundles_stay_in_memory(tiny_bundle: Path):
    bundle, provider, cache = read(tiny_bundle), choose_provider("cpu"), EngineCache(kept=2)
    first, second, third = (Engine(bundle, provider, cache) for _ in range(3))
    for one in (first, second, first, third):  # second is the one that was not used for longest
        one.run("decoder", {"z": codes(1)})
    assert first.loaded and not second.loaded and third.loaded
    assert np.array_equal(*(one.run("decoder", {"z": codes(1)})["image"] for one in (second, third)))
    assert not first.loaded


def test_a_bundle_that_is_served_no_more_takes_no_place(tiny_bundle: Path):
    bundle, provider, cache = read(tiny_bundle), choose_provider("cpu"), EngineCache(kept=1)
    gone, served = (Engine(bundle, provider, cache) for _ in range(2))
    gone.run("decoder", {"z": codes(1)})
    gone.close()
    assert not gone.loaded
    served.run("decoder", {"z": codes(1)})
    gone.run("decoder", {"z": codes(1)})  # of a request that had begun
    assert served.loaded


def test_a_bundle_that_is_unloaded_takes_no_place(tiny_bundle: Path):
    """Else those that were only checked push the one that is shown out of memory."""
    bundle, provider, cache = read(tiny_bundle), choose_provider("cpu"), EngineCache(kept=2)
    shown, *checked = (Engine(bundle, provider, cache) for _ in range(4))
    shown.run("decoder", {"z": codes(1)})
    for one in checked:
        one.run("decoder", {"z": codes(1)})
        one.unload()
    assert shown.loaded and not any(one.loaded for one in checked)


def test_a_server_that_is_gone_for_a_moment_is_no_fault_of_the_bundle(tiny_bundle: Path):
    provider = choose_provider("cpu")
    here, down = Engine(read(tiny_bundle), provider), [True]

    def opened(bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        if down[0]:
            raise ServerGone("There is no connection.")
        return here._opener(bundle, graph)

    bundles, unavailable = open_bundles(tiny_bundle, provider, opener=opened)
    assert unavailable == []
    engine = bundles["tiny"].engine
    with pytest.raises(ServerGone, match="no connection"):
        engine.run("decoder", {"z": codes(1)})
    down[0] = False
    assert engine.run("decoder", {"z": codes(1)})["image"].shape == (1, 1, 32, 32) and engine.fault is None


def test_where_graphs_run_is_known_without_asking_the_server(tiny_bundle: Path):
    """The page and /healthz ask for every bundle: with a server that is gone each question would wait for it."""

    def opened(bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        raise AssertionError("asked")

    engine = Engine(
        read(tiny_bundle), Provider("server", "server", "server: named by --inference-server."), opener=opened
    )
    assert (engine.active, engine.reason) == ("server", "server: named by --inference-server.")


def test_time_is_counted_per_thread(engine: Engine):
    before = engine.spent_ms
    engine.run("decoder", {"z": codes(4)})
    mine = engine.spent_ms
    assert mine - before == pytest.approx(engine.last_ms) and engine.last_ms > 0
    other = threading.Thread(target=engine.run, args=("decoder", {"z": codes(4)}))
    other.start()
    other.join()
    assert engine.spent_ms == mine


# --- faults --------------------------------------------------------------------------------------


def test_a_faulty_bundle_keeps_nothing_of_the_requests_that_it_refuses(tiny_bundle: Path):
    def opened(bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        raise BundleError("It cannot be loaded.")

    engine, inputs = Engine(read(tiny_bundle), choose_provider("cpu"), opener=opened), []
    for _ in range(5):
        z = codes(1)
        inputs.append(weakref.ref(z))
        with pytest.raises(BundleError, match="cannot be loaded"):
            engine.run("decoder", {"z": z})
    del z
    gc.collect()
    assert not any(one() is not None for one in inputs) and engine.fault.__traceback__ is None


def test_a_good_bundle_passes_its_check(engine: Engine):
    engine.check()


@pytest.mark.parametrize("options", [{"classes": 0, "channels": 3}, {"classes": 1, "height": 16, "width": 24}])
def test_other_good_bundles_pass(tmp_path: Path, options: dict[str, int]):
    Engine(read(tiny.build(tmp_path / "other", **options)), choose_provider("cpu")).check()


@pytest.mark.parametrize(
    ("graph", "factor", "words"),
    [
        ("critic", float("nan"), "'critic' .* not finite"),
        ("encoder", float("inf"), "'encoder' .* not finite"),
        ("decoder", 1.5, "'decoder' .* outside the range"),
        ("synthesis", -1.0, "'synthesis' .* outside the range"),
        ("generator", 0.5, "'generator' .* does not draw the pictures of its sample sheet"),
    ],
)
def test_a_misbehaving_graph_is_found(broken_bundle: Path, graph: str, factor: float, words: str):
    tiny.replace_graph(broken_bundle, graph, factor)
    with pytest.raises(BundleError, match=words):
        Engine(read(broken_bundle), choose_provider("cpu")).check()


def test_a_network_that_draws_other_pictures_is_found(broken_bundle: Path):
    """It runs, and its numbers are in range: only the sample sheet tells."""
    tiny.replace_graph(broken_bundle, "mapping", 2.0)
    engine = Engine(read(broken_bundle), choose_provider("cpu"))
    with pytest.raises(BundleError, match=r"'synthesis' .* does not draw the pictures of its sample sheet"):
        engine.run("classifier", {"image": np.zeros((1, 1, 32, 32), np.float32)})
    assert "sample sheet" in str(engine.fault)


def test_a_bundle_without_a_gan_is_held_against_its_decoder(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    index["gan"] = None
    for graph in ("generator", "mapping", "synthesis", "critic", "inverter"):
        del index["graphs"][graph]
    tiny.save_index(broken_bundle, index)
    with pytest.raises(BundleError, match=r"'decoder' .* does not draw the pictures"):
        Engine(read(broken_bundle), choose_provider("cpu")).check()
    tiny.redraw(broken_bundle)
    Engine(read(broken_bundle), choose_provider("cpu")).check()


@pytest.mark.parametrize(
    ("weight", "wrong", "words"),
    [
        ("to_image", np.array([-1, 1, 33, 31], np.int64), "'decoder' .* does not run"),
        ("decoder", np.zeros((tiny.CODE + 1, 1024), np.float32), "'decoder' .* cannot be loaded"),
    ],
)
def test_a_graph_of_wrong_weights_is_found(broken_bundle: Path, weight: str, wrong: np.ndarray, words: str):
    """Its outline is right: only running it tells."""
    model = onnx.load(broken_bundle / "decoder.onnx")
    next(w for w in model.graph.initializer if w.name == weight).CopyFrom(numpy_helper.from_array(wrong, weight))
    index = tiny.load_index(broken_bundle)
    index["graphs"]["decoder"] |= tiny.write(broken_bundle / "decoder.onnx", model.SerializeToString())
    tiny.save_index(broken_bundle, index)
    with pytest.raises(BundleError, match=words):
        Engine(read(broken_bundle), choose_provider("cpu")).check()


def test_a_file_that_is_no_graph_is_found(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    index["graphs"]["decoder"] |= tiny.write(broken_bundle / "decoder.onnx", b"not a graph")
    tiny.save_index(broken_bundle, index)
    with pytest.raises(BundleError, match=r"'decoder' .* is not an ONNX file"):
        read(broken_bundle)


def test_a_wrong_output_shape_is_found(engine: Engine):
    graph = engine.bundle.info.graphs["classifier"]
    features = graph.outputs[1].model_copy(update={"shape": ("batch", 99)})
    graphs = engine.bundle.info.graphs | {
        "classifier": graph.model_copy(update={"outputs": (graph.outputs[0], features)})
    }
    wrong = dataclasses.replace(engine.bundle, info=engine.bundle.info.model_copy(update={"graphs": graphs}))
    with pytest.raises(BundleError, match=r"'classifier' .* instead of float32"):
        Engine(wrong, choose_provider("cpu")).check()
