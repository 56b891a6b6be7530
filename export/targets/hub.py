"""Uploads a folder to a Space on the Hugging Face Hub, through huggingface_hub."""

import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bundle.errors import UserError, first_line
from export.targets.folder import LISTING, Kind, listed, written_earlier

if TYPE_CHECKING:  # it takes a while to import, and only an upload needs it
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

LOG_IN = "run `hf auth login` with a token that may write, or set HF_TOKEN"
OF_THE_HUB = {".gitattributes", "README.md"}  # what a Space holds that was just made


@dataclass(frozen=True)
class Destination:
    """Where a folder is uploaded to: `repo` is "user/name" on the Hub, None = nowhere; `dry_run`: only print it."""

    repo: str | None = None
    private: bool = False
    dry_run: bool = False


NOWHERE = Destination()


def log_in(to: Destination) -> "HfApi | None":
    """The Hub's client for whoever is logged in, None where nothing is to be uploaded. Raises UserError when nobody is,
    or the name is not "user/name"."""
    repo = to.repo
    if repo is None:
        if to.private or to.dry_run:
            raise UserError("--private and --dry-run say how to upload: name the Space with --push user/name.")
        return None
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", repo, re.ASCII):
        raise UserError(f"'{repo}' is no name of a Space: write --push user/name.")
    if to.dry_run:
        return None
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise UserError(f"Nobody is logged in to the Hugging Face Hub: {LOG_IN}.")
    return HfApi()


def upload(api: "HfApi | None", to: Destination, folder: Path, kind: Kind, message: str) -> None:
    """Uploads the folder where it should go and prints the address; in a dry run prints what would happen. Raises as
    `push` does."""
    if api and to.repo:
        print(f"{to.repo}: {push(api, to.repo, folder, kind, to.private, message)}")
    elif to.repo:
        who = "private" if to.private else "public"
        print(f"Dry run: without --dry-run, these files go to the {who} Space {to.repo} and replace those that this "
              "command put there before.")  # fmt: skip


def push(api: "HfApi", repo: str, folder: Path, kind: Kind, private: bool, message: str) -> str:
    """Uploads the files that the folder's list names, in place of those that the Space's own list names, as one commit;
    makes the Space when it is missing. What else the folder or the Space holds stays there.

    Returns its address. Raises UserError, and uploads nothing, when the Hub cannot be reached or refuses, the Space
    holds something else, or it should be private and is public.
    """
    with _sentences(repo):
        if api.repo_exists(repo, repo_type="space"):
            _may_be_replaced(api, repo, kind, private)
        address = api.create_repo(repo, repo_type="space", space_sdk=kind.sdk, private=private or None, exist_ok=True)
        held = set(api.list_repo_files(repo, repo_type="space"))
        places = listed((folder / LISTING).read_bytes())
        earlier = written_earlier(held, _content(api, repo, LISTING, held), places, f"The Space {repo}")
        changes = _replacement(folder, places, earlier)
        api.create_commit(repo, changes, commit_message=message, repo_type="space")
    return str(address)


def _replacement(
    folder: Path, places: set[str], earlier: set[str]
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    """What puts these files of a folder in place of the earlier ones. Uploading a folder as such would be several
    commits from 256 files on, between which a Space runs half of its code."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    added = [CommitOperationAdd(place, folder / place) for place in sorted(places)]
    return [*added, *(CommitOperationDelete(place) for place in sorted(earlier - places))]


def _content(api: "HfApi", repo: str, place: str, held: Collection[str]) -> bytes | None:
    """The bytes of a file of a Space; None where it is not among those `held` there."""
    if place not in held:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(api.hf_hub_download(repo, place, repo_type="space", local_dir=folder)).read_bytes()


def _may_be_replaced(api: "HfApi", repo: str, kind: Kind, private: bool) -> None:
    """Raises UserError when the Space holds something else than one of this kind, or is public where it should be
    private."""
    info = api.space_info(repo)
    held = {file.rfilename for file in info.siblings or []}
    if held - OF_THE_HUB and not kind.is_ours(_content(api, repo, kind.known_by, held) or b""):
        raise UserError(f"The Space {repo} holds something else than a {kind.name} of Twofold: choose another name "
                        "with --push, or empty it first.")  # fmt: skip
    if private and not info.private:
        raise UserError(f"The Space {repo} is public: make it private in its settings first, or drop --private.")


@contextmanager
def _sentences(repo: str) -> Iterator[None]:
    """Turns the errors of the Hub and of the network into UserErrors."""
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except HfHubHTTPError as problem:
        status = problem.response.status_code
        said = (problem.server_message or f"status {status}").strip().rstrip(".")
        advice = f"; {LOG_IN}" if status in (401, 403) else ""
        raise UserError(f"The Hub refused {repo}: {said}{advice}.") from problem
    except HFValidationError as problem:
        raise UserError(f"The Hub does not take the name {repo}: {problem}") from problem
    except OfflineModeIsEnabled as problem:
        raise UserError("The Hub cannot be reached: HF_HUB_OFFLINE is set, so nothing is sent.") from problem
    except (httpx2.HTTPError, LocalEntryNotFoundError) as problem:
        raise UserError(f"The Hub cannot be reached: {first_line(problem).rstrip('.')}.") from problem
    except ValueError as problem:  # settings in README.md that the Hub does not take
        raise UserError(f"The Hub refused {repo}: {' '.join(str(problem).split())}") from problem
