"""Names of data sets of the Hugging Face Hub: told from mistyped paths, and whether the Hub can be reached."""

import contextlib
import difflib
import os
import re
import socket
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub.constants
from huggingface_hub.constants import HF_HUB_CACHE

from bundle.errors import UserError
from train.data.places import path_of

NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
ALIKE = 0.75  # of 1; names at least so similar are taken for a slip
ANSWER_SECONDS = 3.0  # that the Hub has to answer in


def is_name(source: str) -> bool:
    """Whether a source can be the name of a data set: a word, or two with a slash between; not C:\\pets, not a/b/c."""
    ending = Path(source).suffix.lower() in (".zip", ".parquet")
    return NAME.fullmatch(source) is not None and not source.startswith(".") and not ending


def likely_path(source: str) -> str | None:
    """A path that is there and that `source` may have been meant to be, else None: pets for pest, data/pets for
    dta/pets."""
    path = path_of(source)
    parts = list(path.parts)
    for i, part in enumerate(parts):
        before = Path(*parts[:i])
        if (before / part).exists():
            continue
        try:
            siblings = [entry.name for entry in os.scandir(before) if not entry.name.startswith(".")]
        except OSError:
            return None
        lower = {name.lower(): name for name in siblings}
        for close in difflib.get_close_matches(part.lower(), lower, n=3, cutoff=ALIKE):
            meant = Path(*parts[:i], lower[close], *parts[i + 1 :])
            if meant.exists():
                return str(meant)
        return None
    return None


def did_you_mean(source: str) -> str:
    """A question that names the likely path, or ""."""
    meant = likely_path(source)
    return f" Did you mean {meant}?" if meant else ""


def reaches_hub() -> bool:
    """Whether the Hub, or the proxy on the way to it, accepts a connection."""
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    target = urlsplit(huggingface_hub.constants.ENDPOINT)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(target.hostname or ""):
        target = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    answers: list[bool] = []

    def ask() -> None:
        with contextlib.suppress(OSError, ValueError):
            port = target.port or (80 if target.scheme == "http" else 443)
            socket.create_connection((target.hostname or "", port), timeout=ANSWER_SECONDS).close()
            answers.append(True)

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name has no time limit of its own
    asking.start()
    asking.join(ANSWER_SECONDS)
    return bool(answers)


def is_cached(name: str) -> bool:
    """Whether the `datasets` library keeps a copy of this data set, so that it can do without the Hub."""
    from datasets import config

    folder = name.replace("/", "___").lower()
    found = list(Path(config.HF_DATASETS_CACHE).glob(folder if "/" in name else f"*{folder}"))
    return bool(found) or (Path(HF_HUB_CACHE) / f"datasets--{name.replace('/', '--')}").is_dir()


def check_name(source: str) -> None:
    """Raises UserError at once for a name that cannot be fetched: a slip, or no network and no copy. Where there is a
    copy and no network, the `datasets` library is told not to ask the Hub again and again."""
    if meant := likely_path(source):
        raise UserError(f"{source} does not exist. Did you mean {meant}? A data set of the Hub is named owner/name.")
    if reaches_hub():
        return
    folder = Path(source).parent
    if "/" in source and folder.is_dir():
        raise UserError(f"{source} does not exist, though the folder {folder} does.")
    if not is_cached(source):
        raise UserError(f"{source} is no file or folder here, and the Hugging Face Hub, where it may be a data set, "
                        "does not answer. Name a folder, or try again with a network.")  # fmt: skip
    import datasets

    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True
