"""Which files a folder holds: links followed, what systems and Twofold itself leave beside pictures passed over."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from bundle.read import INDEX
from train.data.wording import listed

# Folders that no user made: waste baskets, thumbnails, snapshots. In lower case. See also WASTE.
SYSTEM_FOLDERS = {
    "__macosx", "temporary items", "network trash folder",  # macOS
    "$recycle.bin", "system volume information", "found.000",  # Windows
    "lost+found", "@eadir", "#recycle", "#snapshot", "@recycle", "@tmp", "@recently-snapshot",  # Linux, Synology, QNAP
    "__pycache__",
}  # fmt: skip
# What Windows XP and older left in their waste baskets: RECYCLER/S-1-5-21-…/Dc3.png and RECYCLED/Dc3.png. Their names
# alone may be those of classes.
WASTE = re.compile(r"(^|/)recycle[rd]/(s-\d[\d-]+/|d[a-z]\d+([./]|$))", re.IGNORECASE)
# Kind of a folder, its index, and a key in it.
MADE_HERE = (("run", "run.json", "data"), ("bundle", INDEX, "graphs"), ("pack", "pack.json", "keys"))
MOST_FILES = 10_000_000
# What a stage of a training, or an evaluation, leaves in its folder of the run.
TRACES = ("config.json", "state.safetensors", "record.json", "report.json")


@dataclass(frozen=True)
class FolderFiles:
    """`files`: path within the folder -> the file. `notes`: lines for the report, on what was followed or left out.
    `own`: what Twofold made of the folder itself, "run" or "pack"; what the stages of a run left is not among the
    files."""

    files: dict[PurePosixPath, Path]
    notes: list[str]
    own: str | None = None


def hidden(name: PurePosixPath) -> bool:
    """Whether systems left it beside the user's files: .DS_Store, ._a.png, __MACOSX/, @eaDir/, lost+found/."""
    return (
        any(part.startswith(".") for part in name.parts)
        or any(part.lower() in SYSTEM_FOLDERS for part in name.parts[:-1])
        or WASTE.search(str(name)) is not None
    )


def made_here(folder: Path) -> str | None:
    """What Twofold made of a folder: "run", "bundle" or "pack" (see packed.py), or None for any other folder."""
    for kind, index, key in MADE_HERE:
        path = folder / index
        if is_there(path):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return kind  # torn, but nobody else's
            if isinstance(found, dict) and key in found:
                return kind
    return None


def is_there(path: Path) -> bool:
    """Whether a file is there, as far as can be seen: not in a folder that cannot be opened."""
    try:
        return path.is_file()
    except OSError:
        return False


def find_files(source: str, folder: Path) -> FolderFiles:
    """Every file in a folder and below, also of linked folders, in the order of their names.

    Left out are hidden files, folders of systems, and what Twofold made: runs, bundles, packs. A link to a folder
    around it is not followed, so loops end. Raises UserError for a folder that is itself a bundle, and for more than
    MOST_FILES.
    """
    own = made_here(folder)
    if own == "bundle":
        raise UserError(f"{source} is a bundle, not a set of pictures: name the folder of its pictures.")
    files: dict[PurePosixPath, Path] = {}
    links: list[str] = []
    closed: list[str] = []
    made: list[str] = []
    waiting = [(folder, PurePosixPath(), frozenset({folder_id(folder)}))]
    while waiting:
        place, name, around = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            closed.append(str(name))
            continue
        for entry in entries:
            inner, path = name / entry.name, Path(entry.path)
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link to itself
                continue
            if not is_folder:
                if is_file and not hidden(inner):
                    files[inner] = path
                continue
            if hidden(inner / "file"):
                continue
            try:
                same = folder_id(path)
            except OSError:  # the folder around it may be listed, and not entered
                closed.append(str(inner))
                continue
            if same in around:
                continue
            if kind := made_here(path):
                made.append(f"{inner} (a {kind})")
                continue
            if own and not name.parts and any(is_there(path / trace) for trace in TRACES):
                continue
            if entry.is_symlink():
                links.append(str(inner))
            waiting.append((path, inner, around | {same}))
        if len(files) > MOST_FILES:
            raise UserError(f"{source} holds more than {MOST_FILES} files: name the folder of the pictures.")
    notes = [f"followed {listed(links, 'linked folder')}"] if links else []
    if made:
        notes.append(f"left out {listed(made, 'folder')} that Twofold made")
    if closed:
        notes.append(f"left out {listed(closed, 'folder')} that cannot be opened")
    return FolderFiles(dict(sorted(files.items())), notes, own)


def folder_id(folder: Path) -> tuple[int, int]:
    """(device, inode): the same for every path that leads to a folder. Raises OSError."""
    facts = folder.stat()
    return facts.st_dev, facts.st_ino
