"""The signing key that a user gives: by a file or by the environment, and refused at the start if it is none."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mockfoundry.assembly import build_service
from mockfoundry.client.errors import ServerError
from mockfoundry.client.subprocess_server import build_local_service
from mockfoundry.cloudfoundry.signing_keys import MAX_KEY_FILE_BYTES, choose_signing_key
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from tests.cli.test_commands import run

ADVICE = "; make one with `openssl genrsa -out key.pem 2048`"


def pem(
    key: PrivateKeyTypes,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


RSA = generate_rsa_key(65_537, 2048)

FAULTY: dict[str, tuple[str, str]] = {
    "no PEM": ("secret", "there is no private key in the PEM form"),
    "empty": ("", "there is no private key in the PEM form"),
    "cut off": (pem(RSA)[:600], "there is no private key in the PEM form"),
    "a public key": (
        RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "there is no private key in the PEM form",
    ),
    "an EC key": (pem(generate_ec_key(SECP256R1())), "the key is not an RSA key, and tokens are RS256"),
    "a passphrase": (
        pem(RSA, encryption=BestAvailableEncryption(b"secret")),
        "the key has a passphrase; openssl rsa -in KEY -out PLAIN takes it off, or give one without",
    ),
    "a short key": (
        pem(generate_rsa_key(65_537, 1024)),  # noqa: S505 (that is what is refused)
        "the key has 1024 bits; 2048 to 8192 are allowed",
    ),
    "too large": ("x" * (MAX_KEY_FILE_BYTES + 1), f"is larger than {MAX_KEY_FILE_BYTES} bytes, as no key is"),
}


@pytest.mark.parametrize("row", FAULTY)
def test_a_file_that_is_no_key_is_refused_at_the_start(row: str, tmp_path: Path) -> None:
    """The message names the file and the mend, and shows nothing of what is in it."""
    text, problem = FAULTY[row]
    file = tmp_path / "key.pem"
    file.write_text(text, encoding="ascii")
    with pytest.raises(DocumentError) as caught:
        build_service(ServerOptions(signing_key=str(file)), 0)
    assert str(caught.value) == f"signing key {file}: {problem}{ADVICE}"


@pytest.mark.parametrize("row", [row for row in FAULTY if "BEGIN" in FAULTY[row][0]])
def test_a_text_that_is_no_key_is_refused_at_the_start(row: str) -> None:
    text, problem = FAULTY[row]
    with pytest.raises(ServerError) as caught:
        build_local_service(ServerOptions(signing_key=text))
    assert str(caught.value) == f"the server did not start: signing key in --signing-key: {problem}{ADVICE}"


@pytest.mark.parametrize("given", ["", "c2VjcmV0\nc2VjcmV0", "c2VjcmV0" * 1_000, "secret\0"])
def test_what_is_neither_a_path_nor_a_key_is_not_shown(given: str) -> None:
    with pytest.raises(DocumentError, match="neither a path nor the text of a PEM file") as caught:
        choose_signing_key(given, strict=True)
    assert "c2Vj" not in str(caught.value)


def test_a_key_that_is_not_there_is_one_clear_line_and_exit_code_2(tmp_path: Path) -> None:
    failed = run("serve", "--port", "0", MOCKFOUNDRY_SIGNING_KEY=str(tmp_path / "none.pem"))
    assert failed.returncode == 2
    expected = f"signing key {tmp_path / 'none.pem'}: can't be read: No such file or directory{ADVICE}"
    assert failed.stderr == f"mockfoundry: {expected}\n"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_given_key_signs_whether_it_is_a_file_or_a_text(form: PrivateFormat, strict: bool, tmp_path: Path) -> None:
    """The name of the key follows from it, so that two servers with one key have one name for it."""
    file = tmp_path / "key.pem"
    file.write_text(pem(RSA, form), encoding="ascii")
    pairs = [choose_signing_key(given, strict=strict).load() for given in (str(file), pem(RSA, form))]
    assert [pair.public.public_numbers() for pair in pairs] == [RSA.public_key().public_numbers()] * 2
    assert pairs[0].name == pairs[1].name
    signed = jwt.encode({"a": 1}, pairs[0].private, algorithm="RS256")
    assert jwt.decode(signed, RSA.public_key(), algorithms=["RS256"]) == {"a": 1}
