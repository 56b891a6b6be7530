"""A Space: what is in its folder, which folders are not fit to be published, and what it replaces."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from bundle import on_device
from bundle.errors import BundleError
from bundle.read import discover, graph_bytes, read
from export.targets import hub, space, space_card, space_check
from export.targets.folder import files_in
from export.targets.space_check import problems, read_front_matter
from tests.export.targets.conftest import contents, refused
from tests.support import tiny, web_runtime

REPOSITORY = Path(__file__).resolve().parents[3]
NOWHERE = hub.NOWHERE
RUNTIME = "demo/web/onnxruntime-web.tar.xz"
pytestmark = pytest.mark.usefixtures("runtime")


# --- what is in it -------------------------------------------------------------------------------


def test_the_card_begins_with_what_the_hub_asks_for(staged: Path):
    facts = huggingface_hub.metadata_load(staged / "README.md")
    assert facts == read_front_matter(staged / "README.md")
    assert facts["title"] == "Twofold: tiny (random)"
    assert {facts["sdk"], facts["app_file"], facts["license"]} == {"gradio", "demo/app.py", "cc0-1.0"}
    assert f"gradio=={facts['sdk_version']}\n" in (REPOSITORY / "demo" / "requirements.txt").read_text()
    assert len(facts["short_description"]) <= 60 and "datasets" not in facts and "models" not in facts
    assert {"twofold", "onnx", "gan", "vae"} <= set(facts["tags"])
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["requires-python"] == f">={facts['python_version']}"


def test_it_holds_the_demo_the_bundle_and_nothing_else(staged: Path, tiny_bundle: Path):
    found = contents(staged)
    assert found["requirements.txt"] == (REPOSITORY / "demo" / "requirements.txt").read_bytes()
    assert found["LICENSE"] == (REPOSITORY / "LICENSE").read_bytes()
    homes = {place.split("/")[0] for place in found}
    assert homes == {"README.md", "requirements.txt", "LICENSE", "twofold-files.txt", "bundle", "demo", "artifacts"}
    assert set(found["twofold-files.txt"].decode().splitlines()) == set(found)
    of_bundle = {place.removeprefix("artifacts/tiny/") for place in found if place.startswith("artifacts/tiny/")}
    assert of_bundle == {path.as_posix() for path in files_in(tiny_bundle)}
    assert RUNTIME in found
    for place, data in found.items():
        if place.startswith(("bundle/", "demo/")) and place != RUNTIME:
            assert data == (REPOSITORY / place).read_bytes()
            assert Path(place).suffix in {".py", ".js", ".css", ".json"}
            assert not re.search(r"__pycache__|node_modules|requirements", place)
    imported = set(re.findall(r"from ((?:bundle|demo)[.\w]*) import", (staged / "demo" / "app.py").read_text()))
    assert {f"{name.replace('.', '/')}.py" for name in imported} <= set(found)


def test_what_somebody_left_in_a_bundle_stays_at_home(broken_bundle: Path, tmp_path: Path):
    (broken_bundle / "thesis.pt").write_bytes(b"weights")
    (broken_bundle / ".env").write_text("HF_TOKEN=hf_secret")
    space.write([broken_bundle], tmp_path / "space", None, NOWHERE)
    assert not {"thesis.pt", ".env"} & {path.name for path in files_in(tmp_path / "space")}


def test_visitors_of_the_space_draw_on_their_own_device(staged: Path, runtime: Path):
    there = on_device.installed(staged / "demo" / "web")
    assert there and (there.version, there.builds) == (web_runtime.VERSION, ["wasm", "jspi"])
    home = on_device.installed(runtime)
    for name in there.builds:
        build = on_device.BUILDS[name]
        assert (there.script(build), there.wasm(build)) == (home.script(build), home.wasm(build))
    assert b"MIT License" in there.read("LICENSES.txt")


def test_without_onnxruntime_web_the_owner_is_told_how_to_get_it(
    tiny_bundle: Path, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.setattr(space, "RUNTIME_HOME", tmp_path)
    space.write([tiny_bundle], tmp_path / "space", None, NOWHERE)
    assert "run `python -m demo.web`, then this command again" in capsys.readouterr().out
    assert not (tmp_path / "space" / "demo" / "web").exists()


def test_graphs_are_packed_where_the_space_would_be_too_large(
    tiny_bundle: Path, staged: Path, tmp_path: Path, capsys, monkeypatch
):
    size = sum(map(len, contents(staged).values()))
    for module in (space, space_check):
        monkeypatch.setattr(module, "MAX_BYTES", size)
    space.write([tiny_bundle], tmp_path / "space", None, NOWHERE)
    assert "graphs.tar.xz" in capsys.readouterr().out
    home = tmp_path / "space" / "artifacts" / "tiny"
    assert not list(home.glob("*.onnx"))
    packed, plain = read(home), read(tiny_bundle)
    assert packed.version == plain.version
    for name in plain.info.graphs:
        assert graph_bytes(packed, name) == graph_bytes(plain, name)
    space.write([home], tmp_path / "again", None, NOWHERE)  # a packed bundle is a bundle
    for module in (space, space_check):
        monkeypatch.setattr(module, "MAX_BYTES", size // 2)
    said = refused(capsys, "space", tiny_bundle, "--out", tmp_path / "space")
    assert re.search(r"leave tiny out \(\d+\.\d MB\), or store its weights as float16", said)


def test_two_bundles_in_one_space(tiny_bundle: Path, tmp_path: Path):
    other = tiny.build(tmp_path / "other", name="other", classes=0)
    index = tiny.load_index(other)
    index["dataset"] |= {"licence": "MIT", "source": "somebody/pictures"}
    index["graphs"] = {name: index["graphs"][name] for name in ("generator", "mapping", "synthesis")}
    tiny.save_index(other, index | {"vae": None})
    space.write([tiny_bundle, other], tmp_path / "space", "Our pictures", NOWHERE)
    facts = read_front_matter(tmp_path / "space" / "README.md")
    assert (facts["title"], facts["license"], facts["datasets"]) == ("Our pictures", "other", ["somebody/pictures"])
    served, _ = discover(tmp_path / "space" / "artifacts")
    assert [bundle.info.name for bundle in served] == ["tiny", "other"]  # as the command named them
    text = (tmp_path / "space" / "README.md").read_text()
    assert "A GAN of 32 x 32 grey pictures" in text and "MIT" in text
    assert "rebuild" in text and "rebuild" not in "".join(space.about([read(other)]))


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC BY-SA 4.0"], "cc-by-sa-4.0"),
        (["no licence stated"], "other"),
        (["MIT", "Zalando Research, MIT"], "mit"),
        (["MIT", "CC0"], "other"),
    ],
)
def test_the_licence_is_that_of_all_pictures_or_other(tiny_bundle: Path, licences: list[str], expected: str):
    bundle = read(tiny_bundle)

    def licensed(licence: str):
        dataset = bundle.info.dataset.model_copy(update={"licence": licence})
        return type(bundle)(**(vars(bundle) | {"info": bundle.info.model_copy(update={"dataset": dataset})}))

    assert space_card.licence([licensed(licence) for licence in licences]) == expected


@pytest.mark.parametrize("licence", ["Zalando Research, MIT", "CC BY 4.0", "whatever its maker says"])
def test_the_check_knows_every_licence_that_the_card_may_state(broken_bundle: Path, tmp_path: Path, licence: str):
    index = json.loads((broken_bundle / "bundle.json").read_text())
    index["dataset"]["licence"] = licence
    (broken_bundle / "bundle.json").write_text(json.dumps(index))
    space.write([broken_bundle], tmp_path / "space", None, NOWHERE)  # raises UserError for what is not fit


@pytest.mark.parametrize(
    "settings",
    ["app_file: demo/app.py\ntags: 5", "app_file: demo/app.py\ntags: twofold", "tags: [twofold]", "[" * 3000, "- 1"],
)
def test_whatever_a_card_says_it_is_a_space_of_twofold_or_not(settings: str):
    assert not space.is_space(f"---\n{settings}\n---\n".encode())


# --- what is not fit to be published -------------------------------------------------------------


def change_settings(old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        card = folder / "README.md"
        text = card.read_text()
        assert old in text
        card.write_text(text.replace(old, new, 1))

    return change


def grow(folder: Path) -> None:
    with (folder / "LICENSE").open("ab") as file:
        file.truncate(50_000_000)


def add(place: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / place).open("a") as file:
            file.write(text)

    return change


FAULTS = {
    "no settings": (change_settings("---\n", ""), "does not begin with settings"),
    "broken settings": (change_settings("sdk: gradio", "sdk: [gradio"), "does not begin with settings"),
    "a setting missing": (change_settings("emoji: ", "emo: "), "lack emoji"),
    "a long description": (change_settings("short_description: ", f"short_description: {'so ' * 20}"), "60 characters"),
    "a colour": (change_settings("colorTo: indigo", "colorTo: mauve"), "colours"),
    "a licence": (change_settings("license: cc0-1.0", "license: mine"), "licence 'mine'"),
    "an app file": (change_settings("app_file: demo/app.py", "app_file: app.py"), "app.py is missing"),
    "another gradio": (change_settings("sdk_version: ", "sdk_version: 1"), "does not hold gradio==1"),
    "too large": (grow, "50 MB is the limit"),
    "a damaged graph": (add("artifacts/tiny/critic.onnx", "x"), "critic.onnx' of bundle 'tiny' is damaged"),
    "no bundle": (lambda folder: shutil.rmtree(folder / "artifacts"), "There is no bundle"),
    "a token": (add("demo/app.py", "# hf_" + "a" * 34), "demo/app.py holds what looks like an access token"),
    "an AWS key": (add("LICENSE", "AKIA" + "B" * 16), "an AWS access key"),
    "an AWS secret": (add("LICENSE", "aws_secret_access_key = " + "c" * 40), "an AWS secret key"),
    "a GitHub token": (add("LICENSE", "ghp_" + "d" * 36), "a GitHub token"),
    "a private key": (add("demo/__init__.py", "-----BEGIN OPENSSH PRIVATE KEY-----"), "a private key"),
    "a secrets file": (add("demo/.env", "A=1"), "demo/.env is a file for secrets"),
    "a checkpoint": (add("demo/gan.safetensors", "x"), "demo/gan.safetensors is a checkpoint"),
    "a link": (lambda folder: (folder / "demo" / "link.py").symlink_to("/etc/hostname"), "demo/link.py is a link"),
    "a further file": (add("notes.txt", "x"), "notes.txt does not belong"),
    "a file too few": (lambda folder: (folder / "requirements.txt").unlink(), "requirements.txt is missing"),
}  # fmt: skip


def test_a_space_as_it_is_written_has_no_fault(staged: Path):
    assert problems(staged, [path.as_posix() for path in files_in(staged)]) == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_finds_its_fault(staged: Path, copy: Path, name: str):
    places = [path.as_posix() for path in files_in(staged)]
    damage, sentence = FAULTS[name]
    damage(copy)
    found = [problem for problem in problems(copy, places) if sentence in problem]
    assert len(found) == 1 and found[0].endswith(".")


def test_a_space_that_fails_its_checks_replaces_nothing(broken_bundle: Path, copy: Path, capsys):
    before = contents(copy)
    index = tiny.load_index(broken_bundle)
    tiny.save_index(broken_bundle, index | {"title": "hf_" + "x" * 34})
    assert "access token" in refused(capsys, "space", broken_bundle, "--out", copy)
    assert contents(copy) == before and {path.name for path in copy.parent.iterdir()} == {"space", "tiny"}


def test_only_an_earlier_space_is_replaced(tiny_bundle: Path, copy: Path, tmp_path: Path, capsys):
    (copy / ".git").mkdir()
    (copy / ".git" / "config").write_text("[remote]")
    (copy / "demo" / "older.py").write_text("")
    (copy / "twofold-files.txt").write_text((copy / "twofold-files.txt").read_text() + "demo/older.py\n")
    space.write([tiny_bundle], copy, "Anew", NOWHERE)
    assert (copy / ".git" / "config").read_text() == "[remote]"
    assert read_front_matter(copy / "README.md")["title"] == "Anew" and not (copy / "demo" / "older.py").exists()
    for place, readme in (("thesis", "mine"), ("chess", "---\napp_file: demo/app.py\ntags: [chess]\n---\n")):
        folder = tmp_path / place
        folder.mkdir()
        (folder / "README.md").write_text(readme)
        assert "holds files but no Space" in refused(capsys, "space", tiny_bundle, "--out", folder)
        assert [path.name for path in folder.iterdir()] == ["README.md"]
    assert "is a file" in refused(capsys, "space", tiny_bundle, "--out", tmp_path / "thesis" / "README.md")


def test_what_its_owner_added_to_a_space_stays(tiny_bundle: Path, copy: Path, tmp_path: Path, capsys):
    added = {"notes.txt": b"mine", "demo/mine.py": b"# mine", "figures/1/a.png": b"png"}
    for place, data in added.items():
        (copy / place).parent.mkdir(parents=True, exist_ok=True)
        (copy / place).write_bytes(data)
    other = tiny.build(tmp_path / "other", name="other")
    space.write([tiny_bundle, other], copy, None, NOWHERE)
    assert f"Kept in {copy}, and not written by this command: demo/mine.py, figures, notes.txt." in (
        capsys.readouterr().out
    )
    space.write([tiny_bundle], copy, None, NOWHERE)
    found = contents(copy)
    assert added.items() <= found.items() and "artifacts/other/bundle.json" not in found
    assert set(found["twofold-files.txt"].decode().splitlines()) == set(found) - set(added)
    (copy / "artifacts" / "other").mkdir()
    (copy / "artifacts" / "other" / "bundle.json").write_bytes(b"mine")
    before = contents(copy)
    said = refused(capsys, "space", tiny_bundle, other, "--out", copy)
    assert "holds artifacts/other/bundle.json, which this command did not write but has to: rename it first" in said
    assert contents(copy) == before


def test_of_a_space_without_a_list_its_own_folders_are_replaced(tiny_bundle: Path, copy: Path):
    (copy / "twofold-files.txt").unlink()  # as older versions wrote it
    (copy / "artifacts" / "older").mkdir()
    for place in ("artifacts/older/bundle.json", "demo/older.py", "CNAME"):
        (copy / place).write_text("")
    space.write([tiny_bundle], copy, None, NOWHERE)
    found = contents(copy)
    assert "CNAME" in found and not {"artifacts/older/bundle.json", "demo/older.py"} & set(found)


def test_bundles_that_cannot_be_served_are_refused(broken_bundle: Path, tiny_bundle: Path, tmp_path: Path, capsys):
    out = ("--out", tmp_path / "space")
    assert "Two of these bundles are called 'tiny'" in refused(capsys, "space", tiny_bundle, broken_bundle, *out)
    assert "no bundle" in refused(capsys, "space", *out)
    (broken_bundle / "mapping.onnx").write_bytes(b"")
    assert "mapping.onnx" in refused(capsys, "space", broken_bundle, *out)
    with pytest.raises(BundleError):
        space.write([tmp_path / "nowhere"], tmp_path / "space", None, NOWHERE)
    assert not (tmp_path / "space").exists()
