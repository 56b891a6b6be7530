"""Bundles from the Hugging Face Hub: hf://user/repo or hf://user/repo@revision.

Only the files of bundles are fetched, into the Hub's own cache, and not before their sizes are known. They are verified
like any other bundle. A revision that is a commit makes sure that it is the same files each time.
"""

import re
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from bundle.errors import UserError

PREFIX = "hf://"
PATTERNS = ("*.onnx", "bundle.json", "*/bundle.json", "*.npz", "*.png")
MAX_BYTES = 500_000_000


def parse(address: str) -> tuple[str, str | None]:
    """Repository and revision (None: its newest) of hf://user/repo@revision. Raises UserError."""
    found = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", address)
    if not found:
        raise UserError(
            f"'{address}' is no address of bundles: it looks like hf://user/repo or hf://user/repo@revision."
        )
    return found[1], found[2]


def fetch(address: str) -> Path:
    """The folder with the repository's bundles, fetched if need be; without a network, what was fetched before.

    Raises UserError with a sentence when it is not there, too large, or cannot be reached.
    """
    repository, revision = parse(address)
    try:
        size = _size(repository, revision)
        if size > MAX_BYTES:
            raise UserError(f"{address} holds {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are fetched.")
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS)))
    except RevisionNotFoundError as error:
        raise UserError(f"There is no revision '{revision}' of {repository} on the Hub.") from error
    except RepositoryNotFoundError as error:
        raise UserError(f"There is no repository {repository} on the Hub, or it is private.") from error
    except UserError:
        raise
    except Exception as error:  # no connection: its HTTP library has errors of its own, another one by version
        try:
            return Path(
                snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS), local_files_only=True)
            )
        except LocalEntryNotFoundError:
            raise UserError(f"The Hub cannot be reached, and {address} was not fetched before.") from error


def _size(repository: str, revision: str | None) -> int:
    """Bytes of the files that would be fetched."""
    files = HfApi().model_info(repository, revision=revision, files_metadata=True).siblings or []
    return sum(file.size or 0 for file in files if any(fnmatch(file.rfilename, pattern) for pattern in PATTERNS))
