"""TLS: what a server shows its clients to be called by https, and whom it lets in. Never reads a request."""

import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn

from mockfoundry.documents.files import PEM_MARK
from mockfoundry.options import ANY_ADDRESSES, ServerOptions

LOCAL_NAMES = ("localhost", "*.localhost", "127.0.0.1", "::1")
"""For what the certificate of a throw-away authority counts besides the names that a server is told."""

CallAtEnd = Callable[[Callable[[], object]], object]
"""Takes what is to be called once the server has ended."""

AUTHORITY_FILE = "authority.pem"


class TlsError(ValueError):
    """TLS can't be set up with what a user gave; the text names the option, the file and the mend."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server speaks TLS.

    Attributes:
        authority_file: what holds the certificate of the throw-away authority; empty where a user's is served.
    """

    context: ssl.SSLContext
    authority_file: str = ""


class TlsConfig(uvicorn.Config):
    """uvicorn's configuration, with a context for TLS that is ready."""

    def __init__(self, context: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._context = context

    def load(self) -> None:
        super().load()
        self.ssl = self._context


def set_up_tls(options: ServerOptions, call_at_end: CallAtEnd) -> Tls | None:
    """How a server with these options speaks TLS; None where it does not.

    Args:
        call_at_end: is given what removes a file that nobody needs once the server has ended.

    Raises:
        TlsError: a file can't be used, or options contradict each other.
    """
    must_fit_together(options)
    if options.tls_cert is not None:
        tls = Tls(load_certificate(options.tls_cert, options.tls_key))
    elif options.tls:
        tls = make_throw_away_tls(options, call_at_end)
    else:
        return None
    if options.tls_client_ca is not None:
        demand_client_certificates(tls.context, options.tls_client_ca)
    return tls


def must_fit_together(options: ServerOptions) -> None:
    """Refuses options of TLS that contradict each other, or that another one is missing for; raises TlsError."""
    if options.tls and options.tls_cert is not None:
        raise TlsError("--tls makes a certificate, and --tls-cert names one; give one of the two")
    if options.tls_key is not None and options.tls_cert is None:
        raise TlsError("--tls-key is the key of a certificate; name that by --tls-cert, too")
    if options.tls_authority is not None and not options.tls:
        raise TlsError("--tls-authority is where --tls writes its authority's certificate; give --tls, too")
    if options.tls_client_ca is not None and not options.tls and options.tls_cert is None:
        raise TlsError("--tls-client-ca is about clients that come by https; give --tls or --tls-cert, too")


def make_throw_away_tls(options: ServerOptions, call_at_end: CallAtEnd) -> Tls:
    """TLS by an authority that is made anew, and whose certificate is written into a file.

    Raises:
        TlsError: the file can't be written.
    """
    # It loads cryptography's X.509, which a start without --tls does not need.
    import trustme

    authority = trustme.CA(organization_name="mockfoundry throw-away authority")
    context = new_server_context()
    try:
        authority.issue_cert(*list_certificate_names(options)).configure_cert(context)
    except OSError as error:
        # The context takes a certificate from a file alone.
        raise TlsError(
            f"--tls needs a temporary folder that can be written: {error.strerror or error}; TMPDIR names one, and "
            "docker run --tmpfs /tmp makes one"
        ) from None
    return Tls(context, write_authority(authority.cert_pem.bytes(), options.tls_authority, call_at_end))


def list_certificate_names(options: ServerOptions) -> Iterator[str]:
    """The names and addresses under which clients may call a server.

    Raises:
        TlsError: no certificate can have a name that a user gave.
    """
    for name in options.allow_host:
        if not can_be_certified(name):
            raise TlsError(f"--allow-host {name}: no certificate can have this name; --tls-cert serves one of your own")
    # Where the server listens is told when it does; the machine's own name may be any.
    wanted = (*LOCAL_NAMES, options.host, socket.gethostname().lower(), *options.allow_host)
    yield from (each for each in dict.fromkeys(wanted) if each not in ANY_ADDRESSES and can_be_certified(each))


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


def write_authority(content: bytes, path: str | None, call_at_end: CallAtEnd) -> str:
    """Writes an authority's certificate into a file, by default one of a new temporary folder; returns its path.

    Raises:
        TlsError: it can't be written.
    """
    try:
        if path is None:
            folder = tempfile.mkdtemp(prefix="mockfoundry-")
            call_at_end(partial(shutil.rmtree, folder, ignore_errors=True))
            file = Path(folder, AUTHORITY_FILE)
        else:
            file = Path(path)
        file.write_bytes(content)
    except OSError as error:
        place = path or "the temporary folder"
        raise TlsError(
            f"--tls can't write its authority's certificate into {place}: {error.strerror or error}; "
            "--tls-authority names a file that can be written"
        ) from None
    return str(file)


def load_certificate(certificate: str, key: str | None) -> ssl.SSLContext:
    """The context that shows a user's certificate.

    Raises:
        TlsError: a file can't be read, or the two don't belong together.
    """
    must_be_readable("--tls-cert", certificate)
    if key is not None:
        must_be_readable("--tls-key", key)
    context = new_server_context()

    def refuse_pass_phrase() -> str:
        raise TlsError(f"{key or certificate}: the key has a pass phrase; give one without (openssl pkey writes it)")

    try:
        context.load_cert_chain(certificate, key, password=refuse_pass_phrase)
    except ssl.SSLError as error:
        raise TlsError(explain_certificate(error, certificate, key)) from None
    return context


def explain_certificate(error: ssl.SSLError, certificate: str, key: str | None) -> str:
    """What is wrong with the files of a certificate and its key, and the mend."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"--tls-key {key or certificate}: it is not the key of the certificate in {certificate}"
    if key is None:
        return f"--tls-cert {certificate}: no certificate and key in PEM; name the file of the key by --tls-key"
    return f"--tls-cert {certificate}, --tls-key {key}: no certificate and key in PEM"


def demand_client_certificates(context: ssl.SSLContext, authority: str) -> None:
    """Has a context let in only clients with a certificate that an authority has signed; raises TlsError."""
    must_be_readable("--tls-client-ca", authority)
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError:
        raise TlsError(f"--tls-client-ca {authority}: no certificate in PEM") from None
    context.verify_mode = ssl.CERT_REQUIRED


def must_be_readable(flag: str, path: str) -> None:
    """Refuses a file that can't be read; raises TlsError."""
    if path.startswith(PEM_MARK):
        # It may be a key, so it is not repeated.
        raise TlsError(f"{flag}: takes the path of a file, and got the text of one; write that into a file")
    try:
        with open(path, "rb") as file:
            file.read(1)
    except ValueError:
        raise TlsError(f"{flag}: a path holds no NUL; give the path of a file") from None
    except OSError as error:
        raise TlsError(f"{flag} {path}: {error.strerror or os.strerror(error.errno or 0)}") from None


def new_server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    return context
