"""The routes for drawing in the visitor's browser: every file that the page names, as it says, and no other."""

import hashlib

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import on_device
from demo.routes import device


@pytest.fixture(scope="module")
def client() -> TestClient:
    if on_device.installed(device.WEB) is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    return TestClient(Starlette(routes=device.routes({})))


@pytest.mark.slow
def test_each_build_is_served_as_the_facts_say(client: TestClient):
    builds = device.page_facts()["builds"]
    assert {name: build["gpu"] for name, build in builds.items()} == {"wasm": False, "jspi": True, "asyncify": True}
    for build in builds.values():
        script, wasm = client.get(build["script"]), client.get(build["wasm"]["url"])
        assert script.headers["content-type"].startswith("text/javascript") and "export{" in script.text
        assert "sourceMappingURL" not in script.text
        assert wasm.headers["content-type"] == "application/wasm" and "immutable" in wasm.headers["cache-control"]
        assert hashlib.sha256(wasm.content).hexdigest() == build["wasm"]["sha256"]
        assert len(wasm.content) == build["wasm"]["bytes"]


def test_no_other_file_of_the_package_is(client: TestClient):
    home = f"device/{device.release()}"
    assert client.get(f"{home}/gpu.js").status_code == 200
    for name in ("ort.all.bundle.min.mjs", "ort.jspi.bundle.min.mjs", "..%2fpackage.json", "core.js", ""):
        assert client.get(f"{home}/{name}").status_code == 404, name
    assert client.get("device/00000000/gpu.js").status_code == 404
