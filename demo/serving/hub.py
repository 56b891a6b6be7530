"""Bundles from the Hugging Face Hub: hf://user/repo or hf://user/repo@revision.

Only the files of bundles are downloaded, into the Hub's own cache, after a look at their total size. They are verified
like any other bundle. To get the same files every time, give a commit as the revision.
"""

import re
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from bundle.errors import UserError
from bundle.full_disk import is_disk_full
from bundle.packed_files import PACKED_GRAPHS
from bundle.read import INDEX, ORDER

PATTERNS = (
    "*.onnx",
    *(f"{place}{name}" for name in (INDEX, PACKED_GRAPHS) for place in ("", "*/")),
    "*.npz",
    "*.png",
    "*.webp",
    ORDER,
)
MAX_BYTES = 500_000_000


def parse(address: str) -> tuple[str, str | None]:
    """Repository and revision of hf://user/repo@revision; None = the newest revision. Raises UserError."""
    found = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", address)
    if not found or not _is_repository(found[1]):
        raise UserError(f"'{address}' is not an address of bundles: write hf://user/repo or hf://user/repo@revision.")
    return found[1], found[2]


def _is_repository(name: str) -> bool:
    """Whether the Hub may have a repository of this name, such as user/repo."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def fetch(address: str) -> Path:
    """The local folder with a repository's bundles, downloaded if necessary; offline, what was downloaded before.

    Raises UserError when the repository or revision does not exist, is too large, or cannot be reached.
    """
    repository, revision = parse(address)
    try:
        size = _size(repository, revision)
        if size > MAX_BYTES:
            raise UserError(f"{address} holds {size / 1e6:.0f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB.")
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS)))
    except RevisionNotFoundError as error:
        raise UserError(f"There is no revision '{revision}' of {repository} on the Hub.") from error
    except RepositoryNotFoundError as error:
        raise UserError(f"There is no repository {repository} on the Hub, or it is private.") from error
    except UserError:
        raise
    except Exception as error:  # no connection: its errors depend on the HTTP library, which changes between versions
        if is_disk_full(error):
            raise UserError(f"The disk is full: {address} cannot be downloaded.") from error
        return _downloaded_before(address)


def _downloaded_before(address: str) -> Path:
    """The local folder of what was downloaded before. Raises UserError where that is nothing."""
    repository, revision = parse(address)
    try:
        return Path(
            snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS), local_files_only=True)
        )
    except LocalEntryNotFoundError as error:
        raise UserError(f"The Hub cannot be reached, and {address} was not downloaded before.") from error


def _size(repository: str, revision: str | None) -> int:
    """The total size, in bytes, of the files that would be downloaded."""
    files = HfApi().model_info(repository, revision=revision, files_metadata=True).siblings or []
    return sum(file.size or 0 for file in files if any(fnmatch(file.rfilename, pattern) for pattern in PATTERNS))
