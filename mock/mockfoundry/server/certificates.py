"""Certificates: what a server shows in a handshake, by the host that is asked for and the fault. Never reads options.

A client that checks names does not take `*.localhost` for a name below it, so each such name gets its own certificate.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mockfoundry.wire_faults import TlsFaultName

if TYPE_CHECKING:
    import ssl

    import trustme
    from cryptography.x509 import GeneralName

OTHER_HOST = "another-host.example"
"""The host for which the certificate of the fault `other-host` is."""

LOCAL_SUFFIX = ".localhost"

MAX_CONTEXTS = 256
"""How many certificates made for single names are kept, those that were shown last."""

FindContext = Callable[[str, TlsFaultName | None], "ssl.SSLContext"]
"""Gives what a client is shown: by the host that it asks for (empty for none), and the fault to play (None for none).

May raise OSError, since a context takes a certificate from a file alone.
"""


def make_context_finder(
    authority: "trustme.CA", names: Sequence[str], new_context: "Callable[[], ssl.SSLContext]"
) -> FindContext:
    """What an authority that is the server's own lets it show.

    Args:
        names: the hosts and addresses of the server.
        new_context: makes a context without a certificate.
    """
    import trustme

    @lru_cache(maxsize=MAX_CONTEXTS)
    def find(own_name: str, fault: TlsFaultName | None) -> "ssl.SSLContext":
        shown = (own_name, *names) if own_name else names
        if fault == "self-signed":
            return load_self_signed(shown, new_context)
        now, until = datetime.now(UTC), None
        if fault == "expired":
            until = now - timedelta(days=1)
        issued = authority.issue_cert(
            *((OTHER_HOST,) if fault == "other-host" else shown),
            not_before=now - timedelta(days=90),
            not_after=until,
            key_type=trustme.KeyType.ECDSA,
        )
        context = new_context()
        issued.configure_cert(context)
        return context

    def find_context(server_name: str, fault: TlsFaultName | None) -> "ssl.SSLContext":
        is_own = server_name.endswith(LOCAL_SUFFIX) and can_be_certified(server_name)
        return find(server_name if is_own else "", fault)

    return find_context


def make_fixed_finder(context: "ssl.SSLContext", new_context: "Callable[[], ssl.SSLContext]") -> FindContext:
    """What a server shows that has a user's certificate.

    Args:
        new_context: makes a context without a certificate.
    """

    @lru_cache(maxsize=1)
    def find_self_signed() -> "ssl.SSLContext":
        return load_self_signed(("localhost",), new_context)

    return lambda _, fault: find_self_signed() if fault == "self-signed" else context


def load_self_signed(names: Sequence[str], new_context: "Callable[[], ssl.SSLContext]") -> "ssl.SSLContext":
    """A context that shows a certificate signed by its own key, for such hosts and addresses."""
    import trustme
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mockfoundry, signed by itself")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([general_name_of(each) for each in names]), critical=False)
        .sign(key, SHA256())
    )
    context = new_context()
    private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with trustme.Blob(private_key + certificate.public_bytes(Encoding.PEM)).tempfile() as path:
        context.load_cert_chain(path)
    return context


def general_name_of(name: str) -> "GeneralName":
    """A host's name or address as a certificate has it."""
    import idna
    from cryptography.x509 import DNSName, IPAddress

    with suppress(ValueError):
        return IPAddress(ip_address(name))
    prefix, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    return DNSName(prefix + idna.encode(rest).decode("ascii"))


def can_be_certified(name: str) -> bool:
    """Whether a certificate can have a name: an address, or a host's name as the domain name system has them."""
    import idna

    with suppress(ValueError):
        return bool(ip_address(name))
    try:
        idna.encode(name.removeprefix("*."))
    except idna.IDNAError:
        return False
    return True
