"""Which group a picture is put into: the folder that it came from, under a name that any disk takes."""

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from demo.make.names import free_name, spelled_name
from demo.make.projects import LOOSE


def folder_of(name: str) -> str:
    """What the innermost folder of a file is called; "" for a file that came without one."""
    parents = [part for part in PurePosixPath(name.replace("\\", "/")).parts[:-1] if part not in ("/", "..", ".")]
    return unicodedata.normalize("NFC", parents[-1]).strip() if parents else ""  # macOS takes accents apart


class Groups:
    """The groups of a project. Folders that differ get groups that differ, be it by a number; capitals alone make no
    difference, as many disks make none.

    `stored`: its groups; `called`: each of its files as GROUP/FILE -> what it was called; `loose`: the group of those
    that came without a folder, or from one of that very name.
    """

    def __init__(self, stored: Iterable[str], called: Mapping[str, str], loose: str = LOOSE):
        self._loose = loose
        self._taken = {group.casefold() for group in stored}
        self._of_folder: dict[str, str] = {}
        for file, name in called.items():
            group, folder = file.partition("/")[0], folder_of(name)
            if group != loose and folder:
                self._of_folder.setdefault(folder.casefold(), group)

    def of(self, name: str) -> str:
        """The group of a file of this name."""
        folder = folder_of(name)
        if (key := folder.casefold()) not in self._of_folder:
            wanted = spelled_name(folder)
            if not wanted or wanted.casefold() == self._loose:
                return self._loose
            self._of_folder[key] = group = free_name(wanted, self._taken)
            self._taken.add(group.casefold())
        return self._of_folder[key]
