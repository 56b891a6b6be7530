"""`python -m bundle sign FILE … --certificate CHAIN --key KEY`: Content Credentials (C2PA) for marked pictures.

An extra, for whoever has a certificate: the manifest says what the mark says, and is signed. Only this command signs. A
server does not: it would need the key, anybody could have anything signed by it, and a signature is never the same
twice, where everything else here gives the same bytes again.
"""

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle.atomic_files import write_file
from bundle.errors import ImageError, UserError
from bundle.exit_codes import exit_code
from bundle.limited_files import read_limited
from bundle.marks import xmp
from bundle.marks.formats import Format, format_of
from bundle.marks.mark import Mark
from bundle.marks.verify import MARKED_FILE
from bundle.version import VERSION

HELP = "write Content Credentials (C2PA) into marked pictures"
DESCRIPTION = "Write Content Credentials (C2PA) into marked pictures. Each file is replaced by the signed one."
NEEDED = "Content Credentials need another package: pip install -r demo/requirements-c2pa.txt"
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")
MEDIA_TYPES: dict[Format, str] = {"PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "MP4": "video/mp4"}
LARGEST_PEM = 1_000_000  # bytes


@dataclass(frozen=True)
class Credentials:
    """A chain of certificates and the key of the first one, as PEM; `algorithm`: one of ALGORITHMS. `timestamps`: the
    address of an authority that says when, "" for none."""

    chain: bytes
    key: bytes
    algorithm: str = "es256"
    timestamps: str = ""


def manifest(mark: Mark, title: str) -> dict[str, Any]:
    """What is signed: how the picture came about, by which program, and the mark itself."""
    created = {
        "action": "c2pa.created",
        "digitalSourceType": xmp.SOURCES + mark.source,
        "softwareAgent": {"name": "Twofold", "version": VERSION},
    }
    return {
        "claim_generator_info": [{"name": "Twofold", "version": VERSION}],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": "twofold.mark", "data": mark.model_dump(mode="json", exclude_none=True)},
        ],
    }


def signed(data: bytes, credentials: Credentials, title: str) -> bytes:
    """A marked file with its manifest; pixels and mark stay as they are. Raises UserError without the package, a mark
    or credentials that fit."""
    try:
        import c2pa
    except ModuleNotFoundError as error:
        raise UserError(NEEDED) from error
    mark = xmp.read(data).mark
    if mark is None:
        raise ImageError(f"{title} has no mark of a generated picture, so there is nothing to sign.")
    found = format_of(data)
    if found is None:
        raise ImageError(f"{title} is no PNG, WebP, GIF or MP4.")
    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            credentials.algorithm.encode(),
            credentials.chain,
            credentials.key,
            credentials.timestamps.encode() or None,
        )
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(manifest(mark, title))) as builder:
            builder.sign(signer, MEDIA_TYPES[found], io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise UserError(f"{title} cannot be signed: {' '.join(str(error).split())}") from error
    return out.getvalue()


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a marked PNG, WebP, GIF or MP4")
    command.add_argument("--certificate", type=Path, required=True, help="the chain of certificates, PEM")
    command.add_argument("--key", type=Path, required=True, help="the private key of the first one, PEM (PKCS #8)")
    command.add_argument(
        "--algorithm",
        choices=ALGORITHMS,
        default="es256",
        help="the signature algorithm, which must fit the key (default: %(default)s)",
    )
    command.add_argument("--timestamps", default="", metavar="URL", help="a time-stamp authority (default: none)")


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 all are signed, 2 after a sentence on what is wrong, 130 stopped."""

    def work() -> None:
        chain, key = read_limited(options.certificate, LARGEST_PEM), read_limited(options.key, LARGEST_PEM)
        credentials = Credentials(chain, key, options.algorithm, options.timestamps)
        for path in options.files:
            picture = path.resolve()  # not the link to it
            write_file(picture, signed(read_limited(picture, MARKED_FILE.bytes), credentials, path.name))
            print(f"{path}: signed.")

    return exit_code(work, "Stopped.")
