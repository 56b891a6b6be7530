"""The compose file and the Dockerfile: valid, and every path, port and flag that they name exists."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from starlette.routing import Route

from demo.app import build_parser
from demo.routes import health

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
MADE = {"build/triton": "python -m export triton"}  # folders that a command makes


def filled(text: str) -> str:
    """Text with the defaults of its ${NAME:-default} put in."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", r"\2", text)


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load(filled((DEPLOY / "compose.yaml").read_text()))["services"]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text()


def listed(text: str, instruction: str) -> str:
    """The last such instruction of a Dockerfile, its lines joined."""
    joined = text.replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in joined.splitlines() if line.strip().startswith(f"{instruction} ")][-1]


def check(path: Path) -> subprocess.CompletedProcess:
    """Holds a file against the compose specification, which check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_compose_file_is_valid(tmp_path: Path):
    assert check(DEPLOY / "compose.yaml").returncode == 0
    text = (DEPLOY / "compose.yaml").read_text()
    (tmp_path / "wrong.yaml").write_text(text.replace("read_only: true", "readonly: true"))
    wrong = check(tmp_path / "wrong.yaml")
    assert wrong.returncode == 1 and "readonly" in wrong.stdout


def test_every_folder_and_file_exists(services: dict[str, dict], dockerfile: str):
    text = (DEPLOY / "compose.yaml").read_text()
    for service in services.values():
        for volume in service["volumes"]:
            source = (DEPLOY / volume.split(":")[0]).resolve()
            command = MADE.get(source.relative_to(REPOSITORY).as_posix())
            assert source.exists() or (command and command in text), volume
            assert volume.endswith(":ro")
        if "build" in service:
            assert (DEPLOY / service["build"]["context"]).resolve() == REPOSITORY
            assert (REPOSITORY / service["build"]["dockerfile"]).is_file()
    copied = re.findall(r"^COPY (\S+) \S+$", dockerfile, re.M)
    assert copied and all(list(REPOSITORY.glob(source)) for source in copied)
    wanted = re.findall(r"-r (demo/\S+)|REQUIREMENTS=(demo/[\w.-]+)", dockerfile)
    assert len(wanted) == 5 and all((REPOSITORY / (a or b)).is_file() for a, b in wanted)
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == {source.split("/")[0] for source in copied}


def test_every_flag_of_the_demo_exists(services: dict[str, dict], dockerfile: str):
    start, bundles = (shlex.split(re.sub(r'[\[\],"]', " ", listed(dockerfile, word))) for word in ("ENTRYPOINT", "CMD"))
    assert start[:2] == ["python", "demo/app.py"]
    options = build_parser().parse_args([*start[2:], *bundles])
    assert (options.host, options.port, options.bundles) == ("0.0.0.0", "7860", "/bundles")
    for name in ("demo-a", "demo-b"):
        flags = shlex.split(services[name]["command"])
        assert build_parser().parse_args([*start[2:], *flags]).bundles == "/bundles"
        assert any(volume.split(":")[1] == "/bundles" for volume in services[name]["volumes"])


def test_ports_and_names_fit_together(services: dict[str, dict], dockerfile: str):
    proxy = (DEPLOY / "haproxy.cfg").read_text()
    names = set(re.findall(r"\$\{(TWOFOLD_\w+)-[\d.:]+\}", proxy))
    balancer = services["balancer"]
    assert set(balancer["environment"]) == names
    port = listed(dockerfile, "EXPOSE")
    behind = {balancer["environment"][name] for name in names - {"TWOFOLD_BIND"}}
    demos = {name for name, service in services.items() if "build" in service}
    assert behind == {f"{name}:{port}" for name in demos} and set(balancer["depends_on"]) == demos
    inside = balancer["environment"]["TWOFOLD_BIND"].rpartition(":")[2]
    assert [entry.rpartition(":")[2] for entry in balancer["ports"]] == [inside]
    assert all(entry.startswith("127.0.0.1:") for entry in balancer["ports"])  # open to others only when asked for
    assert len(re.findall(r"^\s*server \w+ .* cookie \w+$", proxy, re.M)) == len(demos)


def test_health_is_asked_where_it_is_told(dockerfile: str):
    paths = {route.path for route in health.routes({}, []) if isinstance(route, Route)}
    asked = {
        *re.findall(r"http://127\.0\.0\.1:7860(/\w+)", listed(dockerfile, "HEALTHCHECK")),
        *re.findall(r"httpchk GET (/\w+)", (DEPLOY / "haproxy.cfg").read_text()),
    }
    assert asked == {"/healthz"} and asked <= paths


def test_the_demo_has_no_rights_that_it_does_not_need(services: dict[str, dict], dockerfile: str):
    assert listed(dockerfile, "USER") not in ("root", "0")
    for name in ("demo-a", "demo-b", "balancer"):
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]


def test_what_can_be_set_is_written_on_top():
    text = (DEPLOY / "compose.yaml").read_text()
    told = set(re.findall(r"^#     (TWOFOLD_\w+) ", text, re.M))
    assert told == set(re.findall(r"\$\{(TWOFOLD_\w+):-", text))


def test_the_pages_files_exist():
    text = (DEPLOY / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    paths = re.findall(r"\b((?:demo|deploy|tests|artifacts)/[\w./-]*\w)", text)
    assert links and all((DEPLOY / link).exists() for link in links)
    assert paths and all((REPOSITORY / path).exists() for path in paths)
