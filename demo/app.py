"""Serve bundles in the browser: `python demo/app.py`, from any folder, from a bare clone."""

import argparse
import atexit
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # `python demo/app.py` puts demo/ first on the path instead of the repository
    sys.path[0] = str(REPOSITORY)

from bundle.errors import Busy, ServerGone, UserError  # noqa: E402
from bundle.exit_codes import exit_code  # noqa: E402
from bundle.printable import print_anything  # noqa: E402
from bundle.read import INDEX  # noqa: E402
from bundle.sessions import CHOICES, Provider, choose_provider  # noqa: E402
from bundle.version import VERSION  # noqa: E402
from demo.environment import given, without_proxies  # noqa: E402

with without_proxies():  # Gradio opens a client when it is imported, which a proxy that it cannot use would end
    from demo.page import Page, build_demo, launch_settings
from demo.serving.address import PORT, Address, free_address, public_name, root_path, taken  # noqa: E402
from demo.serving.engine import Opener  # noqa: E402
from demo.serving.housekeeping import Janitor, limit_arenas  # noqa: E402
from demo.serving.served_bundle import ServedBundle, open_bundles  # noqa: E402

if TYPE_CHECKING:
    from starlette.routing import Route

    from demo.make.maker import Maker
    from demo.routes.mcp_tools import McpTools
    from demo.routes.uploads import Uploads

__all__ = ["build_demo", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C. Returns the exit code: 0, 2 after printing what is wrong, 130 for Ctrl-C during the start."""
    print_anything()
    options = build_parser().parse_args(arguments)
    limit_arenas()
    return exit_code(lambda: _serve(options), "Stopped before the page was ready.")


def build_parser() -> argparse.ArgumentParser:
    """The options of `python demo/app.py`."""
    parser = argparse.ArgumentParser(prog="demo/app.py", description="Serve Twofold bundles in the browser.")
    parser.add_argument("--version", action="version", version=f"twofold {VERSION}")
    # A Space sets the first of these variables, so that visitors can reach the server, and may set the others.
    host = given.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument(
        "--host",
        default=host,
        help="address to listen on: 127.0.0.1 or ::1 for this machine, 0.0.0.0 or :: for all (default: %(default)s)",
    )
    hint = f"port (default: $GRADIO_SERVER_PORT, or {PORT}, or the next free one)"
    parser.add_argument("--port", default=given.get("GRADIO_SERVER_PORT"), help=hint)
    share = given.get("GRADIO_SHARE", "").lower() == "true"
    parser.add_argument("--share", action="store_true", default=share, help="also open a temporary public link")
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        default=given.get("GRADIO_ROOT_PATH"),
        help="the path under which a proxy shows the page, such as /app, or the page's whole public address; the proxy "
        "may pass the path on or strip it",
    )
    parser.add_argument(
        "--bundles",
        metavar="FOLDER",
        help="a bundle, a folder of bundles, or hf://user/repo@revision on the Hugging Face Hub (default: artifacts/)",
    )
    parser.add_argument(
        "--allow-models", "--allow-upload",  # its older name: pictures are uploaded without it
        action="store_true",
        help="let visitors upload .onnx generators, which run in processes with limits (Linux, macOS)",
    )  # fmt: skip
    parser.add_argument(
        "--make", nargs="?", const="me", choices=("me", "anyone"), metavar="anyone",
        help="add a tab that trains generators of your own pictures, which stay on this machine; `--make anyone` where "
        "others can reach the page too",
    )  # fmt: skip
    parser.add_argument(
        "--make-folder", metavar="FOLDER", default="made", help="where --make keeps its projects (default: %(default)s)"
    )
    parser.add_argument("--mcp", action="store_true", help="offer the endpoints to assistants as MCP tools, at /mcp")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--provider", choices=CHOICES, default="auto", help="processor (default: %(default)s)")
    where.add_argument(
        "--inference-server",
        "--engine",  # its older name
        dest="server",
        metavar="URL",
        help="run the graphs on an inference server (KServe v2, e.g. Triton): http://machine:8000",
    )
    return parser


def _serve(options: argparse.Namespace) -> int:
    root = _root(options.bundles)
    provider, opener = _provider_and_opener(options)
    address = free_address(options.host, options.port)
    public = root_path(options.root_path)
    bundles, unavailable = open_bundles(root, provider, opener is not None, opener) if root.is_dir() else ({}, [])
    for one in unavailable:
        print(f"Bundle {one.name} is unavailable: {one.reason}", file=sys.stderr)
    if not bundles:
        print("No bundle to serve; the page says how to make one.", file=sys.stderr)

    folder = _own_temporary_folder()
    uploads = _uploads(bundles) if options.allow_models else None
    tools = _tools(bundles, address, public) if options.mcp else None
    maker = _maker(options, address, bundles, provider) if options.make else None
    demo = build_demo(bundles, unavailable, uploads is not None, tools is not None, maker is not None)
    janitor = Janitor(folder, remembered=demo.temp_file_sets)
    more = [*(uploads.routes() if uploads else ()), *(tools.routes if tools else ())]
    more += _make_routes(maker, public) if maker else ()
    try:
        with without_proxies():
            demo.launch(
                server_name=address.in_brackets,
                server_port=address.port,
                share=False,
                root_path=public or "",
                quiet=True,
                prevent_thread_lock=True,
                **launch_settings(bundles, unavailable, more, tools.lifespan if tools else None),
            )
    except OSError as error:
        raise UserError(taken(address.port)) from error
    print(f"Twofold is at {address.url}", flush=True)
    if options.share:
        _share(demo, address)
    ending = threading.Event()
    check = threading.Thread(target=_check, args=(dict(bundles), ending), name="check", daemon=True)
    check.start()
    janitor.start()
    _wait()
    ending.set()
    if maker:
        maker.close()
    janitor.stop()
    check.join()  # onnxruntime aborts the process when it ends under a session that is being opened
    demo.close(verbose=False)
    return 0


def _root(bundles: str | None) -> Path:
    """The folder of bundles to serve; `bundles`: the option of that name. Raises UserError when it does not exist."""
    if bundles is None:
        return REPOSITORY / "artifacts"
    if bundles.startswith("hf://"):
        from demo.serving.hub import fetch  # its library takes a while to import

        return fetch(bundles)
    if not Path(bundles).is_dir():
        raise UserError(f"Folder '{bundles}' does not exist: --bundles takes a bundle or a folder of bundles.")
    return Path(bundles)


def _uploads(bundles: MutableMapping[str, ServedBundle]) -> "Uploads":
    """What serves the models that visitors bring; it closes when the server ends. Which limits these lack is said."""
    from demo.routes.uploads import Uploads  # not needed otherwise
    from demo.serving.sandbox import missing_limits

    if words := missing_limits():
        print(words, file=sys.stderr, flush=True)
    uploads = Uploads(bundles)
    atexit.register(uploads.close)
    return uploads


def _maker(
    options: argparse.Namespace, address: Address, bundles: MutableMapping[str, ServedBundle], provider: Provider
) -> "Maker":
    """What trains the projects of --make. Raises UserError where others can reach the page, unless it is
    `--make anyone`."""
    from demo.make.limits import ANYONE, OWN_MACHINE  # not needed otherwise
    from demo.make.maker import Maker
    from demo.make.projects import Projects

    open_to_others = options.share or not address.local
    if open_to_others and options.make != "anyone":
        raise UserError("Others can reach this page: write --make anyone to let them train on this machine.")
    folder = Path(options.make_folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder of --make cannot be made: {folder}: {error.strerror}.") from error
    if options.server is not None:
        provider = choose_provider("auto")  # of what is made here the inference server knows nothing
    limits = ANYONE if options.make == "anyone" else OWN_MACHINE
    maker = Maker(Projects(folder.resolve()), bundles, provider, limits, _shelf(options))
    maker.start()
    return maker


def _shelf(options: argparse.Namespace) -> Path | None:
    """The folder in which the server finds bundles at its next start; None where it serves a single one, or the Hub."""
    if options.bundles is None:
        return REPOSITORY / "artifacts"
    folder = Path(options.bundles)
    return folder.resolve() if folder.is_dir() and not (folder / INDEX).exists() else None


def _make_routes(maker: "Maker", public: str | None) -> list["Route"]:
    from demo.routes.make_routes import make_routes

    return make_routes(maker, public_name(public))


def _share(demo: Page, address: Address) -> None:
    """Open a public link and say where it is, or why there is none."""
    from demo.serving.public_link import WEEK, open_link  # not needed otherwise

    try:
        print(f"Public link, {WEEK}: {open_link(demo, address)}", flush=True)
    except UserError as error:
        print(error, file=sys.stderr, flush=True)


def _tools(bundles: Mapping[str, ServedBundle], address: Address, public: str | None) -> "McpTools":
    """The MCP server. Raises UserError when the protocol's package is not installed."""
    try:
        from demo.routes.mcp_tools import McpTools
    except ModuleNotFoundError as error:
        raise UserError("--mcp needs another package: pip install -r demo/requirements-mcp.txt") from error
    return McpTools(bundles, address, public)


def _provider_and_opener(options: argparse.Namespace) -> tuple[Provider, Opener | None]:
    """Where graphs run: in this process or on an inference server. Raises RuntimeUnavailable if that is impossible."""
    if options.server is None:
        return choose_provider(options.provider), None
    from demo.serving.kserve_client import connect, opener  # not needed otherwise

    server = connect(options.server)
    return Provider("server", server.name, f"{server.name}: named by --inference-server."), opener(server)


def _check(bundles: Mapping[str, ServedBundle], ending: threading.Event) -> None:
    """Check every bundle once the page is up. Only the first one stays in memory: it is shown first."""
    for i, (name, served) in enumerate(bundles.items()):
        if ending.is_set():
            return
        try:
            served.engine.ensure_checked()
        except (Busy, ServerGone):
            continue  # it is in use, which checks it; or its server is gone, and its next use does
        except UserError as error:
            print(f"Bundle {name} is unavailable: {error}", file=sys.stderr, flush=True)
        if i:
            served.engine.unload()


def _own_temporary_folder() -> Path:
    """A folder for uploads, inside $GRADIO_TEMP_DIR if that is set; it is deleted when the server ends."""
    home = os.environ.get("GRADIO_TEMP_DIR") or None
    try:
        if home:
            Path(home).mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="twofold-", dir=home)
    except OSError as error:
        raise UserError(f"Cannot create a folder for uploads in '{home or tempfile.gettempdir()}'.") from error
    os.environ["GRADIO_TEMP_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _wait() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    while not ended.wait(0.5):  # the system may deliver a signal to another thread, which does not wake this one
        pass


if __name__ == "__main__":
    sys.exit(main())
