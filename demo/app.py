"""Serve bundles in the browser: `python demo/app.py`, from any folder, from a bare clone."""

import argparse
import atexit
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # `python demo/app.py` puts demo/ first on the path instead of the repository
    sys.path[0] = str(REPOSITORY)

from bundle.errors import Busy, UserError  # noqa: E402
from bundle.sessions import CHOICES, Provider, choose_provider  # noqa: E402
from demo.page import build_demo, launch_settings  # noqa: E402
from demo.serving.engine import Opener  # noqa: E402
from demo.serving.housekeeping import Janitor, limit_arenas  # noqa: E402
from demo.serving.served_bundle import ServedBundle, open_bundles  # noqa: E402

if TYPE_CHECKING:
    from demo.routes.mcp_tools import McpTools
    from demo.routes.uploads import Uploads

__all__ = ["build_demo", "main"]

PORT = 7860
TRIES = 10  # further ports, when none was asked for


class Refused(Exception):
    """The demo cannot start; the message is one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C. Returns the exit code: 0, or 2 after one sentence on what is wrong."""
    options = build_parser().parse_args(arguments)
    limit_arenas()
    try:
        return _serve(options)
    except (Refused, UserError) as error:
        print(error, file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """What `python demo/app.py` may be given."""
    parser = argparse.ArgumentParser(prog="demo/app.py", description="Serve Twofold bundles in the browser.")
    # A Space sets the first of these variables, so that its visitors can reach the server, and may set the other.
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT")
    parser.add_argument("--host", default=host, help="address to listen on (default: %(default)s)")
    hint = f"port (default: $GRADIO_SERVER_PORT, or {PORT}, or the next free one)"
    parser.add_argument("--port", type=int, default=port, help=hint)
    parser.add_argument("--share", action="store_true", help="also open a temporary public link")
    parser.add_argument(
        "--bundles",
        metavar="FOLDER",
        help="a bundle, a folder of bundles, or hf://user/repo@revision on the Hugging Face Hub (default: artifacts/)",
    )
    parser.add_argument(
        "--allow-upload", action="store_true",
        help="let visitors bring .onnx generators, which run in processes with limits (Linux, macOS)",
    )  # fmt: skip
    parser.add_argument("--mcp", action="store_true", help="let assistants use the endpoints as MCP tools, at /mcp")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--provider", choices=CHOICES, default="auto", help="processor (default: %(default)s)")
    where.add_argument(
        "--engine", metavar="URL", help="draw on an inference server (KServe v2: Triton, …), e.g. http://machine:8000"
    )
    return parser


def _serve(options: argparse.Namespace) -> int:
    root = _root(options.bundles)
    provider, opener = _machine(options)
    port = _free_port(options.host, options.port)
    bundles, unavailable = open_bundles(root, provider, opener is not None, opener) if root.is_dir() else ({}, [])
    for one in unavailable:
        print(f"Bundle {one.name} is unavailable: {one.reason}", file=sys.stderr)
    if not bundles:
        print("There is no bundle to serve; the page says how to make one.", file=sys.stderr)

    folder = _own_temporary_folder()
    uploads = _uploads(bundles) if options.allow_upload else None
    tools = _tools(bundles, options.host) if options.mcp else None
    demo = build_demo(bundles, unavailable, uploads is not None, tools is not None)
    janitor = Janitor(folder, remembered=demo.temp_file_sets)
    more = [*(uploads.routes() if uploads else ()), *(tools.routes if tools else ())]
    try:
        demo.launch(
            server_name=options.host,
            server_port=port,
            share=options.share,
            quiet=True,
            prevent_thread_lock=True,
            **launch_settings(bundles, unavailable, more, tools.lifespan if tools else None),
        )
    except OSError as error:
        raise Refused(_taken(port)) from error
    shown = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host
    print(f"Twofold is at http://{shown}:{port}", flush=True)
    ending = threading.Event()
    check = threading.Thread(target=_check, args=(dict(bundles), ending), name="check", daemon=True)
    check.start()
    janitor.start()
    _wait()
    ending.set()
    janitor.stop()
    check.join()  # onnxruntime aborts the process when it ends under a session that is being opened
    demo.close(verbose=False)
    return 0


def _root(given: str | None) -> Path:
    """The folder of bundles to serve. Refused when it is not there."""
    if given is None:
        return REPOSITORY / "artifacts"
    if given.startswith("hf://"):
        from demo.serving.hub import fetch  # only who asks for the Hub waits for its library

        return fetch(given)
    if not Path(given).is_dir():
        raise Refused(f"There is no folder '{given}': --bundles takes a bundle or a folder of bundles.")
    return Path(given)


def _uploads(bundles: MutableMapping[str, ServedBundle]) -> "Uploads":
    """What serves the models that visitors bring; it closes when the server ends."""
    from demo.routes.uploads import Uploads  # only who allows it needs it

    uploads = Uploads(bundles)
    atexit.register(uploads.close)
    return uploads


def _tools(bundles: Mapping[str, ServedBundle], host: str) -> "McpTools":
    """The endpoints for assistants. Refused where the protocol's package is missing."""
    try:
        from demo.routes.mcp_tools import McpTools
    except ModuleNotFoundError as error:
        raise Refused("--mcp needs one package more: pip install -r demo/requirements-mcp.txt") from error
    return McpTools(bundles, host)


def _machine(options: argparse.Namespace) -> tuple[Provider, Opener | None]:
    """Where graphs run: on this processor, or on an inference server. RuntimeUnavailable when that cannot be used."""
    if options.engine is None:
        return choose_provider(options.provider), None
    from demo.serving.kserve_client import connect, opener  # only who asks for a server waits for its client

    server = connect(options.engine)
    return Provider("engine", server.name, f"{server.name}: named by --engine."), opener(server)


def _check(bundles: Mapping[str, ServedBundle], ending: threading.Event) -> None:
    """Runs every graph once, after the page is there. Only the first bundle stays in memory: it is shown first."""
    for i, (name, served) in enumerate(bundles.items()):
        if ending.is_set():
            return
        try:
            served.engine.ready()
        except Busy:
            continue  # it is in use, and will be checked by that
        except UserError as error:
            print(f"Bundle {name} is unavailable: {error}", file=sys.stderr, flush=True)
        if i:
            served.engine.unload()


def _free_port(host: str, wanted: int | None) -> int:
    """The port to use. Refused when the one asked for, or all that may be tried, are in use."""
    if wanted is not None and not 1 <= wanted <= 65535:
        raise Refused(f"There is no port {wanted}: choose one from 1 to 65535.")
    tries = [wanted] if wanted is not None else list(range(PORT, PORT + TRIES + 1))
    for port in tries:
        if _is_free(host, port):
            if port != tries[0]:
                print(f"Port {tries[0]} is in use, so {port} is taken instead.", flush=True)
            return port
    raise Refused(_taken(tries[0]) if wanted is not None else f"Ports {tries[0]} to {tries[-1]} are all in use.")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise Refused(f"There is no address '{host}' to listen on.") from error
        except PermissionError as error:
            raise Refused(f"Port {port} may not be used by this account; choose one above 1023.") from error
        except OSError:
            return False
    return True


def _taken(port: int) -> str:
    return f"Port {port} is in use: stop what runs there, or choose another with --port."


def _own_temporary_folder() -> Path:
    """Uploads go to a folder of our own, inside the one that $GRADIO_TEMP_DIR names; it goes away with the server."""
    home = os.environ.get("GRADIO_TEMP_DIR") or None
    try:
        if home:
            Path(home).mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="twofold-", dir=home)
    except OSError as error:
        raise Refused(f"No folder for uploads can be made in '{home or tempfile.gettempdir()}'.") from error
    os.environ["GRADIO_TEMP_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _wait() -> None:
    """Until Ctrl-C or a polite request to end."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    while not ended.wait(0.5):  # the system may hand a signal to any thread, which wakes this one not at all
        pass


if __name__ == "__main__":
    sys.exit(main())
