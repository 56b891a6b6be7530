"""The arrows of the design: who may import whom, no circle between modules, and no pickle anywhere."""

import ast
import functools
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("bundle", "train", "export", "demo")
# Room -> what none of its modules may import, at the top or inside a function.
FORBIDDEN = {
    "bundle": {"train", "export", "demo", "benchmarks", "torch", "gradio", "onnx", "sklearn", "tyro", "starlette"},
    "demo": {"train", "export", "benchmarks", "torch", "onnx", "sklearn", "tyro"},
    "train": {"demo", "export", "benchmarks", "gradio", "onnx"},
    "export": {"demo", "benchmarks", "gradio"},
}
PICKLES = {"pickle", "cloudpickle", "joblib", "dill"}
SUSPECT = re.compile("|".join([*PICKLES, r"torch\s*\.\s*load"]))  # without it, nothing in a file unpickles


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(path: Path) -> set[str]:
    """Everything that a module imports, at the top or inside a function: modules, and names as module.name."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def arrows(rooms: tuple[str, ...] = ROOMS, root: Path = ROOT) -> dict[str, set[str]]:
    """For each module of these rooms the other modules of them that it imports."""
    files = {
        path.relative_to(root).with_suffix("").as_posix().replace("/", "."): path
        for room in rooms
        for path in (root / room).rglob("*.py")
        if "node_modules" not in path.parts
    }
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    return {name: (imports(path) & set(modules)) - {name} for name, path in modules.items()}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other in a loop (Tarjan 1972, strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in graph[module]:
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in graph:
        if module not in index:
            visit(module)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_what_it_may_not(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        assert not {name.split(".")[0] for name in imports(path)} & FORBIDDEN[room], path


def test_the_format_needs_its_own_packages_only():
    """What docs/architecture.md says that bundle/ needs, and c2pa, which only `sign` asks for."""
    needed = {"numpy", "PIL", "pydantic", "onnxruntime", "c2pa"}
    for path in sorted((ROOT / "bundle").rglob("*.py")):
        found = {name.split(".")[0] for name in imports(path)}
        assert found <= needed | {"bundle"} | sys.stdlib_module_names, path


def test_no_modules_import_each_other_in_a_circle():
    assert circles(arrows()) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def unpickles(node: ast.AST) -> bool:
    """A call that may run code from a file: any `load` of torch, any keyword allow_pickle that is not False."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr == "load" and ast.unparse(called.value) == "torch":
        return True
    return any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords)


def test_no_pickle():
    for room in (*ROOMS, "benchmarks", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            if SUSPECT.search(path.read_text(encoding="utf-8")):  # the others need not be parsed
                assert not imports(path) & PICKLES, path
                assert not any(unpickles(node) for node in ast.walk(tree(path))), path


@pytest.mark.parametrize(("module", "more"), [("torch", ""), ("numpy", ", allow_pickle=asked")])
def test_the_pickle_check_sees_pickle(module, more):
    source = f"{module}.load(path{more})"
    assert SUSPECT.search(source)
    assert any(unpickles(node) for node in ast.walk(ast.parse(source)))
