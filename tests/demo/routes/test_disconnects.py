"""Nothing leaves the machine: the sockets of a running server, watched from outside, by the kernel's own tables."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.serving,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel's socket tables are Linux's"),
]
PICTURES = 40


def remote(pid: int) -> set[str]:
    """The addresses that a process and its children have sockets to, loopback and listening ones left out."""
    inodes = set()
    for task in (pid, *children(pid)):
        for link in Path(f"/proc/{task}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:  # it was closed just now
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "udp", "tcp6", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                address = readable(words[2].partition(":")[0])
                if not (address.is_loopback or address.is_unspecified):
                    found.add(str(address))
    return found


def readable(text: str):
    """An address of /proc/net: words of four bytes, each in the processor's order."""
    data = b"".join(bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8))
    address = ip_address(data)
    return getattr(address, "ipv4_mapped", None) or address


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


@contextmanager
def watched(pid: int) -> Iterator[set[str]]:
    """All foreign addresses of a process, looked for every few milliseconds."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            try:
                seen.update(remote(pid))
            except OSError:  # it has ended
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_the_watch_sees_a_process_that_calls_home():
    code = (
        "import socket, time\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.7', 443)); time.sleep(1)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as caller, watched(caller.pid) as seen:
        caller.wait(30)
    assert seen == {"192.0.2.7"}


@pytest.mark.serving
def test_a_server_talks_to_nobody_but_its_visitors(tiny_bundle: Path):
    """From its first instruction on: libraries call home when they are imported."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, str(REPOSITORY / "demo" / "app.py"), "--bundles", str(tiny_bundle), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, watched(server.pid) as seen:
        try:
            address = server.stdout.readline().split()[-1]
            with httpx.Client(base_url=address, timeout=60) as visitor:
                assert visitor.get("/").status_code == 200
                for x in range(PICTURES):
                    assert visitor.get("/live/tiny", params={"x": x}).status_code == 200
                assert visitor.get("/healthz").json()["bundles"]["tiny"]["checked"]
        finally:
            server.terminate()
    assert not seen
