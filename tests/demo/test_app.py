"""The page's configuration and the command line."""

import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio.queueing import Queue
from gradio.state_holder import SessionState

from bundle.errors import InputError
from bundle.sessions import choose_provider
from bundle.version import VERSION
from demo import app, environment
from demo.facts import facts
from demo.page import build_demo
from demo.routes.endpoints import described, drawing
from demo.serving.served_bundle import open_bundles
from tests.support import tiny

REPOSITORY = Path(__file__).resolve().parents[2]
PUBLIC = ["/classify", "/interpolate", "/invert", "/reconstruct", "/repair", "/report", "/sample"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(REPOSITORY / "demo" / "app.py"), *arguments]


def refused(*arguments: str, cwd: Path) -> str:
    """The sentence of a start that fails with exit code 2, in a process of its own."""
    done = subprocess.run(command(*arguments), cwd=cwd, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.fixture
def refused_here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., str]:
    """The sentence of a start that fails with exit code 2 before a bundle is opened, in this process: it is quicker."""

    def opened(*_: object) -> None:
        raise AssertionError("it was not refused")

    def start(*arguments: str) -> str:
        assert app.main(arguments) == 2
        printed = capfd.readouterr()
        assert printed.out == "" and len(printed.err.strip().splitlines()) == 1, printed
        return printed.err.strip()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "open_bundles", opened)
    monkeypatch.setattr(app, "limit_arenas", lambda: None)  # that setting would stay
    return start


def test_the_public_endpoints_are_these_and_have_typed_arguments(tiny_bundle: Path):
    bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
    endpoints = build_demo(bundles, unavailable).get_api_info()["named_endpoints"]
    assert sorted(endpoints) == PUBLIC
    for name, endpoint in endpoints.items():
        assert endpoint["description"], name
        for parameter in endpoint["parameters"]:
            assert parameter["python_type"]["type"] != "Any", (name, parameter["parameter_name"])
    seeds = endpoints["/sample"]["parameters"][0]
    assert seeds["parameter_name"] == "seeds" and seeds["type"]["type"] == "array", seeds


def test_the_page_without_bundles_says_how_to_make_one(tiny_bundle: Path, broken_bundle: Path):
    (broken_bundle / "decoder.onnx").write_bytes(b"other bytes")
    bundles, unavailable = open_bundles(broken_bundle, choose_provider("cpu"))
    assert not bundles
    page = build_demo(bundles, unavailable)
    components = page.get_config_file()["components"]
    (empty,) = [c["props"] for c in components if c["props"].get("elem_id") == "tf-empty"]
    assert "empty" in empty["js_on_load"]
    known = page.facts
    assert "python -m train" in known["recipe"] and "decoder.onnx" in known["unavailable"][0]["reason"]


def test_what_one_visitor_sees_is_not_told_to_the_next(tiny_bundle: Path):
    """Components are described once; the values in a description are each session's own."""
    page = build_demo(*open_bundles(tiny_bundle, choose_provider("cpu")))
    (answer,) = [key for key, block in page.blocks.items() if getattr(block, "label", "") == "answer"]
    first, second = SessionState(page), SessionState(page)
    first._update_value_in_config(answer, "mine")
    assert first.config_values[answer]["props"]["value"] == "mine"
    assert "value" not in second.config_values[answer]["props"]
    assert SessionState(page).config_values == second.config_values
    described = {one["id"]: one["props"] for one in page.get_config_file()["components"]}
    for key, config in second.config_values.items():
        block = page.blocks[key]
        anew = {name: value for name, value in type(block).get_config(block).items() if value is not None}
        assert config["props"] == described[key] == anew


def test_the_queue_does_not_count_its_past_anew_after_each_event():
    """Which made a server slower with every request, until one took 50 ms beside its drawing."""
    queue = Queue(False, 1, 1, None, gr.Blocks())
    queue.events_recorded = 5000
    assert queue.compute_analytics_summary([{"function": "sample", "status": "success"}]) == {"functions": {}}
    assert queue.ANALYTICS_MAX_EVENTS <= 100


def test_facts_tell_what_the_page_needs(tiny_bundle: Path):
    bundles, unavailable = open_bundles(tiny_bundle, choose_provider("cpu"))
    (bundle,) = facts(bundles, unavailable)["bundles"]
    version = bundles["tiny"].engine.bundle.version
    assert bundle["version"] == version
    assert bundle["sheet"] == {"url": f"bundles/tiny/sheet.png?v={version}", "count": 24}
    assert bundle["processor"] == "CPU" and bundle["reason"]
    assert {row["file"] for row in bundle["downloads"]} >= {"generator.onnx", "latents.npz", "bundle.json"}
    for row in bundle["downloads"]:
        data = (tiny_bundle / row["file"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_report_has_figures_with_floors_licence_files_and_versions(tiny_bundle: Path):
    bundles, _ = open_bundles(tiny_bundle, choose_provider("cpu"))
    told = json.loads(json.dumps(drawing(bundles)["report"](), allow_nan=False))
    assert told["quality"]["figures"][0] | {"value": 2.0, "floor": 0.5} == told["quality"]["figures"][0]
    assert told["data"]["licence"] == "CC0-1.0" and set(told["models"]) == {"gan", "vae"}
    for file in told["files"]:
        assert file["sha256"] == hashlib.sha256((tiny_bundle / file["file"]).read_bytes()).hexdigest()
    assert {"python", "numpy", "gradio"} <= set(told["versions"])
    with pytest.raises(InputError, match="There is no bundle 'other'"):
        drawing(bundles)["report"]("other")


def test_every_endpoint_is_described():
    """The API tab's list is made of the docstrings, so they have to keep their form."""
    for one in described():
        assert one["about"].endswith(".") and one["returns"].startswith("{"), one["name"]
        assert one["arguments"] and all(": " in argument for argument in one["arguments"]), one["name"]


@pytest.mark.serving
def test_the_demo_needs_neither_torch_nor_the_other_rooms():
    code = "import sys, demo.app; print(sorted({'torch', 'onnx', 'train', 'export'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    "arguments", [["--bundles", "no/such/folder"], ["--port", "0"], ["--port", "abc"], ["--host", "192.0.2.1"]]
)
def test_impossible_settings_are_refused_in_a_sentence(arguments: Sequence[str], refused_here: Callable[..., str]):
    assert refused_here(*arguments).endswith(".")


def test_the_version(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        app.main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"twofold {VERSION}\n"


def test_cuda_where_there_is_none_is_refused_with_the_line_that_mends_it(refused_here: Callable[..., str]):
    if choose_provider("auto").name == "CUDAExecutionProvider":
        pytest.skip("this machine has a usable CUDA device")
    sentence = refused_here("--provider", "cuda")
    assert sentence.startswith("error: CUDA cannot be used") and "pip install" in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "http://127.0.0.1:9"], "no connection to http://127.0.0.1:9"),
        (["--inference-server", "machine"], "no address of an inference server"),
        (["--bundles", "hf://nobody"], "write hf://user/repo"),
    ],
)
def test_other_machines_that_are_not_there_are_refused_in_a_sentence(
    arguments: list[str], words: str, refused_here: Callable[..., str]
):
    assert words in refused_here(*arguments)


@pytest.mark.serving
def test_a_port_in_use_is_refused_and_none_other_taken(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is in use" in refused("--port", str(port), cwd=tmp_path)


@pytest.mark.serving
def test_it_serves_from_any_folder_prints_one_line_and_ends_quietly(tiny_bundle: Path, tmp_path: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        command("--bundles", str(tiny_bundle), "--port", str(port), "--provider", "cpu"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = server.stdout.readline()
        assert line == f"Twofold is at http://127.0.0.1:{port}\n"
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"] == "ok"
        assert "<html" in httpx.get(f"http://127.0.0.1:{port}/").text
        server.send_signal(signal.SIGINT)
        rest, errors = server.communicate(timeout=20)
    finally:
        server.kill()
    assert (server.returncode, rest, errors) == (0, "", "")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the system has no signals for threads")
@pytest.mark.serving
def test_it_ends_whichever_thread_is_handed_the_signal():
    """The system chooses one; Python's handler runs in the first thread, which sleeps."""
    program = """if True:
        import signal, threading, time
        from demo.app import _wait
        def later():
            time.sleep(1)
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        threading.Thread(target=later).start()
        _wait()
        print("ended")
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr


def test_no_page_file_names_a_foreign_host():
    """What the browser is sent by us must work offline."""
    for file in filter(Path.is_file, (REPOSITORY / "demo" / "static").rglob("*")):
        hosts = set(re.findall(r"https?://([\w.-]+)", file.read_text(encoding="utf-8")))
        # Of SVG, and of the standards by which pictures are marked: never fetched.
        assert hosts <= {"www.w3.org", "iptc.org", "cv.iptc.org", "ns.adobe.com", "ns.twofold"}, file.name


def test_a_bundle_that_takes_no_pictures_has_no_rebuild_tab(broken_bundle: Path):
    def tabs() -> list[str]:
        bundles, unavailable = open_bundles(broken_bundle, choose_provider("cpu"))
        components = build_demo(bundles, unavailable).get_config_file()["components"]
        return [c["props"]["id"] for c in components if c["type"] == "tabitem"]

    assert tabs() == ["play", "morph", "rebuild", "explore", "compare", "api", "about"]
    index = tiny.load_index(broken_bundle)
    index["graphs"] = {name: index["graphs"][name] for name in ("generator", "mapping", "synthesis", "classifier")}
    tiny.save_index(broken_bundle, index | {"vae": None})
    assert "rebuild" in tabs()  # the classifier still reads pictures
    del index["graphs"]["classifier"]
    tiny.save_index(broken_bundle, index | {"vae": None})
    assert tabs() == ["play", "morph", "explore", "compare", "api", "about"]


def test_the_environment_may_name_the_port(
    tiny_bundle: Path, refused_here: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setitem(environment.given, "GRADIO_SERVER_PORT", str(port))
        assert f"Port {port} is in use" in refused_here("--bundles", str(tiny_bundle))
        other = refused_here("--bundles", str(tiny_bundle), "--port", "70000")
    assert "Port 70000 does not exist" in other
