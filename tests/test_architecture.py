"""The arrows of the design: who may import whom, and no pickle anywhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "demo": {"torch", "train", "export", "benchmarks", "onnx", "sklearn"},
    "train": {"demo", "export", "benchmarks"},
    "export": {"benchmarks"},
}


def imports(path: Path) -> set[str]:
    """First parts of everything that a module imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("room", list(FORBIDDEN))
def test_no_room_imports_what_it_may_not(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        assert not {name.split(".")[0] for name in imports(path)} & FORBIDDEN[room], path


def test_export_knows_the_demo_only_by_what_it_serves():
    for path in (ROOT / "export").rglob("*.py"):
        reached = {name.split(".")[1] for name in imports(path) if name.startswith("demo.")}
        served = {"bundle", "schema", "errors", "runtime", "images", "latents", "studio", "ondevice", "words"}
        assert reached <= served, path


def unpickles(node: ast.AST) -> bool:
    """A call that may run code from a file: any `load` of torch, any keyword allow_pickle that is not False."""
    if not isinstance(node, ast.Call):
        return False
    if ast.unparse(node.func) == "torch.load":
        return True
    return any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords)


def test_no_pickle():
    for room in ("train", "export", "demo", "benchmarks", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            assert not imports(path) & {"pickle", "cloudpickle", "joblib", "dill"}, path
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not any(unpickles(node) for node in ast.walk(tree)), path


@pytest.mark.parametrize(("module", "more"), [("torch", ""), ("numpy", ", allow_pickle=asked")])
def test_the_pickle_check_sees_pickle(module, more):
    assert any(unpickles(node) for node in ast.walk(ast.parse(f"{module}.load(path{more})")))
