"""TLS: what a server shows its clients to be called by https, and whom it lets in. Never reads a request."""

import logging
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mockfoundry.documents.files import PEM_MARK
from mockfoundry.options import ANY_ADDRESSES, ServerOptions, find_contradiction
from mockfoundry.server.broken_answers import OpenSslContext
from mockfoundry.server.certificates import FindContext, can_be_certified, make_context_finder, make_fixed_finder

LOCAL_NAMES = ("localhost", "*.localhost", "127.0.0.1", "::1")
"""For what the certificate of a throw-away authority counts besides the names that a server is told."""

CallAtEnd = Callable[[Callable[[], object]], object]
"""Takes what is to be called once the server has ended."""

AUTHORITY_FILE = "authority.pem"

log = logging.getLogger("mockfoundry")


class TlsError(ValueError):
    """TLS can't be set up with what a user gave; the text names the option, the file and the mend."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server speaks TLS.

    Attributes:
        find_context: gives what a client is shown.
        authority_file: what holds the certificate of the throw-away authority; empty where a user's is served.
    """

    find_context: FindContext
    authority_file: str = ""


def set_up_tls(options: ServerOptions, call_at_end: CallAtEnd) -> Tls | None:
    """How a server with these options speaks TLS; None where it does not.

    Args:
        call_at_end: is given what removes a file that nobody needs once the server has ended.

    Raises:
        TlsError: a file can't be used, or options contradict each other.
    """
    contradiction = find_contradiction(options)
    if contradiction:
        raise TlsError(contradiction)
    if not options.speaks_tls:
        return None
    new_context = partial(new_server_context, options.tls_client_ca)
    if options.tls_cert is None:
        return make_throw_away_tls(options, new_context, call_at_end)
    context = new_context()
    load_certificate(context, options.tls_cert, options.tls_key)
    warn_of_dates(options.tls_cert, datetime.now(UTC))
    return Tls(make_fixed_finder(context, new_context))


def make_throw_away_tls(
    options: ServerOptions, new_context: Callable[[], ssl.SSLContext], call_at_end: CallAtEnd
) -> Tls:
    """TLS by an authority that is made anew, and whose certificate is written into a file.

    Raises:
        TlsError: the file can't be written, or that of clients' authority can't be used.
    """
    # It loads cryptography's X.509, which a start without --tls does not need.
    import trustme

    authority = trustme.CA(organization_name="mockfoundry throw-away authority")
    find_context = make_context_finder(authority, tuple(list_certificate_names(options)), new_context)
    try:
        # Most clients are shown it, and whether it can be made shows now.
        find_context("", None)
    except OSError as error:
        # The context takes a certificate from a file alone.
        raise TlsError(
            f"--tls needs a temporary folder that can be written: {error.strerror or error}; TMPDIR names one, and "
            "docker run --tmpfs /tmp makes one"
        ) from None
    return Tls(find_context, write_authority(authority.cert_pem.bytes(), options.tls_authority, call_at_end))


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


def load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Has a context show a user's certificate.

    Raises:
        TlsError: a file can't be read, or the two don't belong together.
    """
    must_be_readable("--tls-cert", certificate)
    if key is not None:
        must_be_readable("--tls-key", key)

    def refuse_pass_phrase() -> str:
        raise TlsError(f"{key or certificate}: the key has a pass phrase; give one without (openssl pkey writes it)")

    try:
        context.load_cert_chain(certificate, key, password=refuse_pass_phrase)
    except ssl.SSLError as error:
        raise TlsError(explain_certificate(error, certificate, key)) from None


def warn_of_dates(certificate: str, now: datetime) -> None:
    """Logs that a user's certificate is not valid now. It is served: a test may be about that."""
    from cryptography import x509

    try:
        first = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0]
    except ValueError:
        # OpenSSL has taken it, and it takes more.
        return
    begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
    if not begins <= now <= ends:
        state = "has expired" if ends < now else "is not valid yet"
        log.warning(
            "--tls-cert %s: the certificate %s (it is valid from %s to %s); clients that check it refuse it",
            certificate,
            state,
            begins.date(),
            ends.date(),
        )


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
        why = error.strerror or os.strerror(error.errno or 0)
        raise TlsError(f"{flag} {path}: {why}; give the path of a file in PEM that this user may read") from None


def new_server_context(client_authority: str | None) -> ssl.SSLContext:
    """A context without a certificate.

    Args:
        client_authority: the file of the authority by which clients show a certificate; None where they need none.

    Raises:
        TlsError: that file can't be used.
    """
    context = OpenSslContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    if client_authority is not None:
        demand_client_certificates(context, client_authority)
    return context
