"""Content Credentials: what the mark says is signed; pixels and mark stay; refusals are sentences."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from bundle.__main__ import main
from bundle.errors import UserError
from bundle.images import png
from bundle.marks import COMPOSITE, TRAINED, Mark, formats, xmp
from bundle.marks.sign_command import Credentials, signed
from tests.bundle.marks.test_formats import MARK, PICTURE, gif

c2pa = pytest.importorskip("c2pa", reason="needs demo/requirements-c2pa.txt")


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    """A certificate for signing, by a root that nobody trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests")]
        )
        for name in ("Root", "Signer")
    ]

    def made(subject: int, ca: bool) -> x509.Certificate:
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        issuer = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[subject])
            .issuer_name(names[0])
            .public_key(keys[subject].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[subject].public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), False)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), True)
        return builder.sign(keys[0], hashes.SHA256())

    pem = serialization.Encoding.PEM
    chain = made(1, False).public_bytes(pem) + made(0, True).public_bytes(pem)
    key = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Credentials(chain, key)


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)])


def webp() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "WEBP", lossless=True, xmp=xmp.block(MARK))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["image/png", "image/webp", "image/gif"])
def test_what_the_mark_says_is_signed_and_nothing_else_changes(credentials: Credentials, kind: str):
    data = {
        "image/png": lambda: formats.png(PICTURE, MARK),
        "image/webp": webp,
        "image/gif": lambda: formats.gif(gif(), MARK),
    }[kind]()
    out = signed(data, credentials, "one")
    assert (pixels(out) == pixels(data)).all() and xmp.read(out).mark == MARK
    with c2pa.Reader(kind, io.BytesIO(out)) as reader:
        told = json.loads(reader.json())
    claim = told["manifests"][told["active_manifest"]]
    assertions = {one["label"]: one["data"] for one in claim["assertions"]}
    (action,) = assertions["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created" and action["digitalSourceType"] == xmp.SOURCES + TRAINED
    assert assertions["twofold.mark"] == MARK.model_dump(mode="json")
    problems = {one["code"] for one in told.get("validation_status", [])}
    assert problems <= {"signingCredential.untrusted"}  # nobody trusts this root, and that is all


def test_a_changed_pixel_breaks_the_signature(credentials: Credentials):
    out = signed(formats.png(PICTURE, MARK), credentials, "one")
    at = out.index(b"IDAT") + 40
    with c2pa.Reader("image/png", io.BytesIO(out[:at] + bytes([out[at] ^ 1]) + out[at + 1 :])) as reader:
        told = json.loads(reader.json())
    assert "assertion.dataHash.mismatch" in {one["code"] for one in told["validation_status"]}


def test_the_command_signs_files_and_refuses_in_sentences(
    credentials: Credentials, tmp_path: Path, capsys: pytest.CaptureFixture
):
    (tmp_path / "chain.pem").write_bytes(credentials.chain)
    (tmp_path / "key.pem").write_bytes(credentials.key)
    given = ["--certificate", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem")]
    file, plain = tmp_path / "one.png", tmp_path / "plain.png"
    file.write_bytes(formats.png(PICTURE, Mark(source=COMPOSITE)))
    plain.write_bytes(png(PICTURE))
    assert main(["sign", str(file), *given]) == 0
    assert b"caBX" in file.read_bytes() and xmp.read(file.read_bytes()).mark == Mark(source=COMPOSITE)
    kept = tmp_path / "kept.png"
    kept.write_bytes(formats.png(PICTURE, Mark(source=COMPOSITE)))
    (tmp_path / "link.png").symlink_to(kept)
    assert main(["sign", str(tmp_path / "link.png"), *given]) == 0
    assert (tmp_path / "link.png").is_symlink() and b"caBX" in kept.read_bytes()
    before = plain.read_bytes()
    assert main(["sign", str(plain), *given]) == 2 and plain.read_bytes() == before
    assert "has no mark of a generated picture" in capsys.readouterr().err
    assert main(["sign", str(file), "--certificate", str(file), "--key", str(tmp_path / "none.pem")]) == 2
    with pytest.raises(UserError, match="cannot be signed"):
        signed(formats.png(PICTURE, MARK), Credentials(b"no certificate", b"no key"), "one.png")
