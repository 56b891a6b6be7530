"""Spaces and pages on their way to the Hub: what is sent, what is replaced there, what is refused."""

import json
from pathlib import Path

import huggingface_hub
import pytest

from bundle.errors import UserError
from export.__main__ import main
from export.targets import hub, space, web
from export.targets.folder import Kind
from tests.export.targets.conftest import contents, refused

pytestmark = pytest.mark.usefixtures("runtime")

GRADIO, STATIC = space.KIND, web.KIND


def test_without_push_and_in_a_dry_run_nothing_is_sent(
    staged: Path, tiny_bundle: Path, tmp_path: Path, capsys, monkeypatch
):
    assert capsys.readouterr()  # what the first Space said of packing onnxruntime-web
    monkeypatch.setattr(hub, "push", lambda *_: pytest.fail("something was sent"))
    assert main(["space", str(tiny_bundle), "--out", str(tmp_path / "space")]) == 0
    printed = capsys.readouterr().out
    sizes = {line.split()[0]: line for line in printed.splitlines()[:-1]}
    assert set(sizes) == set(contents(tmp_path / "space"))
    total = sum(map(len, contents(tmp_path / "space").values()))
    assert printed.splitlines()[-1].endswith(f"{len(sizes)} files, {total / 1e6:.1f} MB")
    dry = ["space", str(tiny_bundle), "--out", str(tmp_path / "space"), "--push", "me/digits", "--private", "--dry-run"]
    assert main(dry) == 0
    assert "go to the private Space me/digits" in capsys.readouterr().out
    assert "--push user/name" in refused(capsys, "space", tiny_bundle, "--out", tmp_path / "space", "--private")


def test_without_a_login_it_says_how_to_log_in(tiny_bundle: Path, tmp_path: Path, capsys, monkeypatch):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    push = ("space", tiny_bundle, "--out", tmp_path / "space", "--push")
    assert "hf auth login" in refused(capsys, *push, "me/digits")
    assert not (tmp_path / "space").exists()
    for wrong in ("digits", "me/digits/more", "-/x", "me/ü"):
        assert "is no name of a Space" in refused(capsys, *push, wrong)


def test_a_push_makes_the_space_and_commits_every_file_once(staged: Path, online):
    server, api = online
    address = hub.push(api, "me/digits", staged, GRADIO, private=True, message="Serve tiny")
    assert address == f"{server.endpoint}/spaces/me/digits"
    made = server.sent["/api/repos/create"]
    assert {k: made[k] for k in ("organization", "name", "type", "sdk", "visibility")} == {
        "organization": "me", "name": "digits", "type": "space", "sdk": "gradio", "visibility": "private",
    }  # fmt: skip
    assert server.files == {".gitattributes": b"", **contents(staged)}
    assert server.asked.count("POST /api/spaces/me/digits/commit/main") == 1
    assert server.sent["/api/spaces/me/digits/commit/main"][0]["value"]["summary"] == "Serve tiny"
    assert "license: cc0-1.0" in json.dumps(server.sent["/api/validate-yaml"])


def test_a_second_push_removes_what_no_longer_belongs(staged: Path, online):
    server, api = online
    hub.push(api, "me/digits", staged, GRADIO, private=False, message="First")
    older = {"artifacts/older/bundle.json": b"{}", "LICENSE": b"an older one"}
    owners = {"thesis.tex": b"mine", "demo/mine.py": b"# mine"}
    server.files |= older | owners
    server.files["twofold-files.txt"] += b"artifacts/older/bundle.json\n"
    hub.push(api, "me/digits", staged, GRADIO, private=False, message="Second")
    assert server.files == {".gitattributes": b"", **contents(staged), **owners}
    server.files |= older
    del server.files["twofold-files.txt"]  # as older versions wrote it
    hub.push(api, "me/digits", staged, GRADIO, private=False, message="Third")
    assert server.files == {".gitattributes": b"", **contents(staged), "thesis.tex": b"mine"}


def test_only_what_was_written_is_pushed(copy: Path, online):
    server, api = online
    before = contents(copy)
    for place in ("notes.txt", ".git/config", "demo/mine.py"):
        (copy / place).parent.mkdir(exist_ok=True)
        (copy / place).write_text("mine")
    hub.push(api, "me/digits", copy, GRADIO, private=False, message="Serve tiny")
    assert server.files == {".gitattributes": b"", **before}
    server.files["twofold-files.txt"] = server.files["twofold-files.txt"].replace(b"LICENSE\n", b"")
    with pytest.raises(UserError, match="The Space me/digits holds LICENSE, which this command did not write"):
        hub.push(api, "me/digits", copy, GRADIO, private=False, message="Again")


@pytest.mark.parametrize("kind", [GRADIO, STATIC])
def test_a_space_is_known_by_more_than_the_names_of_its_files(staged: Path, online, kind: Kind):
    server, api = online
    card = b"---\nsdk: gradio\napp_file: demo/app.py\ntags: [chess]\n---\n"
    theirs = {"README.md": card, "demo/app.py": b"chess", "facts.json": b"{}", "thesis.tex": b"mine"}
    server.files = dict(theirs)
    with pytest.raises(UserError, match=rf"something else than a {kind.name} of Twofold: choose another name"):
        hub.push(api, "me/digits", staged, kind, private=False, message="Serve tiny")
    assert server.files == theirs and not any(asked.startswith("POST") for asked in server.asked)


def test_what_the_hub_holds_or_refuses_becomes_a_sentence(staged: Path, online):
    server, api = online

    def sentence(private: bool = False, kind: Kind = GRADIO) -> str:
        with pytest.raises(UserError) as caught:
            hub.push(api, "me/digits", staged, kind, private, "Serve tiny")
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
        return str(caught.value)

    server.files = {"app.py": b"chess", "README.md": b""}
    assert "holds something else" in sentence()
    server.files = {"demo/app.py": b"", "README.md": (staged / "README.md").read_bytes()}
    assert "is public" in sentence(private=True)
    assert "holds something else" in sentence(kind=STATIC)  # a page never replaces a demo
    assert not any(asked.startswith("POST") for asked in server.asked)
    server.refusal = 403
    assert "You have no right to write here" in (said := sentence()) and "hf auth login" in said
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        assert "cannot be reached: HF_HUB_OFFLINE is set" in sentence()
    server.server_close()
    assert "cannot be reached" in sentence()
