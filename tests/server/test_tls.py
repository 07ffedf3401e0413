"""TLS: clients that insist on https are served, those that don't trust or aren't trusted are not, mistakes are told."""

import errno
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import trustme

from mockfoundry.assembly import build_service
from mockfoundry.cli.start_screen import render_start_screen
from mockfoundry.client.control import SocketControlClient
from mockfoundry.client.errors import ServerGoneError
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server.run import BackgroundServer
from mockfoundry.server.tls import TlsError, set_up_tls
from tests.serving import ADMIN, WEB
from tests.waiting import DEADLINE_SECONDS

SCALE = f"/v3/processes/{WEB}/actions/scale"

Start = Callable[..., tuple[BackgroundServer, str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """A server with such options, and the file of its throw-away authority."""
    with ExitStack() as ending:

        def start_server(**options: object) -> tuple[BackgroundServer, str]:
            asked = ServerOptions(**options)  # type: ignore[arg-type]
            tls = set_up_tls(asked, ending.callback)
            assert tls is not None
            return ending.enter_context(BackgroundServer(build_service(asked, 0), asked, tls)), tls.authority_file

        yield start_server


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def trusting(file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


def write_certificate(authority: trustme.CA, folder: Path, name: str = "localhost") -> tuple[str, str, str]:
    """A certificate, its key, and its authority's certificate, as files."""
    issued, files = authority.issue_cert(name), (folder / "cert.pem", folder / "key.pem", folder / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(files[0])
    issued.private_key_pem.write_to_path(files[1])
    authority.cert_pem.write_to_path(files[2])
    return str(files[0]), str(files[1]), str(files[2])


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_client_that_trusts_the_throw_away_authority_scales(start: Start, door: DoorName) -> None:
    server, file = start(tls=True, door=door, allow_host=("mock.example.org",))
    with httpx.Client(base_url=server.url, headers=ADMIN, verify=trusting(file)) as client:
        scaled = client.post(SCALE, json={"instances": 3})
        by_name = client.get(f"https://localhost:{server.port}/v3/processes/{WEB}").json()
        sni = {"sni_hostname": "mock.example.org"}
        assert client.get("/__mock/health", extensions=sni).status_code == 200
    assert (server.url, scaled.status_code) == (f"https://127.0.0.1:{server.port}", 202)
    assert scaled.json()["links"]["self"]["href"] == f"{server.url}/v3/processes/{WEB}"
    assert by_name["links"]["self"]["href"] == f"https://localhost:{server.port}/v3/processes/{WEB}"
    assert by_name["instances"] == 3


def test_a_client_that_does_not_trust_it_is_told_how(start: Start) -> None:
    server, _ = start(tls=True)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{server.url}/v3/info")
    with pytest.raises(ServerGoneError, match=r"is not trusted: .*; .*export SSL_CERT_FILE=FILE"):
        SocketControlClient(server.url, lambda: "")("GET", "/health")


BROKEN: dict[str, tuple[type[Exception], ...]] = {
    # Python's ssl reports a TCP reset as the end of the stream, httpx as either.
    "reset": (httpx.ReadError, httpx.RemoteProtocolError),
    "truncate": (httpx.RemoteProtocolError,),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_that_speaks_tls_breaks_too(start: Start, fault: str) -> None:
    scenario = f"scenario: broken\nrules:\n  - {{operation: scaleProcess, respond: {{fault: {fault}, phase: after}}}}\n"
    server, file = start(tls=True)
    with httpx.Client(base_url=server.url, headers=ADMIN, verify=trusting(file)) as client:
        put = client.put(
            "/__mock/foundations/default/scenarios/broken",
            content=scenario,
            headers={"Content-Type": "application/yaml"},
        )
        assert put.status_code == 200
        with pytest.raises(BROKEN[fault]):
            client.post(SCALE, json={"instances": 4})
        assert client.get(f"/v3/processes/{WEB}").json()["instances"] == 4


REFUSED: dict[str, tuple[bytes, int]] = {
    "no HTTP": (b"\x00\r\n\r\n", 400),
    "a bad host": (b"GET /v3/apps HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "a body too large": (b"POST /v3/apps HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999\r\n\r\n", 413),
    "headers too large": (b"GET /v3/apps HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 70_000, 431),
    "a slow head": (b"GET /v3/apps HTTP/1.1\r\n", 408),
}


@pytest.mark.parametrize("request_", REFUSED)
def test_what_is_refused_at_the_door_is_answered_and_its_connection_closed(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    monkeypatch.setattr("mockfoundry.server.closing.LINGER_SECONDS", 0.05)
    content, status = REFUSED[request_]
    server, file = start(tls=True, head_timeout=50_000)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as plain,
        trusting(file).wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(content)
        came = b"".join(iter(partial(client.recv, 65_536), b""))
    assert came.startswith(f"HTTP/1.1 {status} ".encode())
    assert [each.getMessage() for each in caplog.records] == []


def test_a_users_certificate_is_served_with_its_key_in_a_file_of_its_own_or_in_the_same(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    certificate, key, trusted = write_certificate(authority, tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(Path(key).read_text() + Path(certificate).read_text())
    for options in ({"tls_cert": certificate, "tls_key": key}, {"tls_cert": str(both)}):
        server, file = start(**options)
        asked = httpx.get(f"https://localhost:{server.port}/v3/processes", headers=ADMIN, verify=trusting(trusted))
        assert (asked.status_code, file) == (200, "")


@pytest.mark.parametrize(
    ("begins", "ends", "state"), [(-9, -2, "has expired"), (2, 9, "is not valid yet"), (-2, 2, "")]
)
def test_a_users_certificate_that_is_not_valid_now_is_served_and_told(
    authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture, begins: int, ends: int, state: str
) -> None:
    first, last = (datetime.now(UTC) + timedelta(days=days) for days in (begins, ends))
    issued, file = authority.issue_cert("localhost", not_before=first, not_after=last), tmp_path / "both.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(file)
    with ExitStack() as ending:
        assert set_up_tls(ServerOptions(tls_cert=str(file)), ending.callback) is not None
    told = (
        f"--tls-cert {file}: the certificate {state} (it is valid from {first.date()} to {last.date()}); clients that "
        "check it refuse it"
    )
    assert [each.getMessage() for each in caplog.records] == ([told] if state else [])


def test_clients_must_show_a_certificate_where_that_is_demanded(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    certificate, key, trusted = write_certificate(authority, tmp_path, "client")
    server, file = start(tls=True, tls_client_ca=trusted)
    with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
        httpx.get(f"{server.url}/v3/info", verify=trusting(file))
    with_certificate = trusting(file)
    with_certificate.load_cert_chain(certificate, key)
    assert httpx.get(f"{server.url}/v3/processes", headers=ADMIN, verify=with_certificate).status_code == 200


def test_the_authoritys_file_is_where_it_was_asked_for_or_is_gone_at_the_end(start: Start, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.pem"
    assert start(tls=True, tls_authority=str(wanted))[1] == str(wanted)
    with ExitStack() as ending:
        tls = set_up_tls(ServerOptions(tls=True), ending.callback)
        assert tls is not None
        assert Path(tls.authority_file).read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    assert not Path(tls.authority_file).parent.exists()
    assert wanted.exists()


def test_the_start_screen_says_how_each_client_trusts_it() -> None:
    service = build_service(ServerOptions(tls=True), 0)
    screen = render_start_screen(service, "https://here", ServerOptions(tls=True), False, "/some where/authority.pem")
    assert "curl --cacert '/some where/authority.pem' -i -X POST https://here/v3/processes/" in screen
    assert "export SSL_CERT_FILE='/some where/authority.pem'" in screen
    mutual = ServerOptions(tls=True, tls_client_ca="ours.pem")
    shown = render_start_screen(service, "https://here", mutual, False, "/authority.pem")
    assert "curl --cacert /authority.pem --cert CLIENT.pem -i -X POST https://here/" in shown
    assert "  Clients show a certificate, here CLIENT.pem, by ours.pem.\n" in shown
    assert "--cacert" not in render_start_screen(service, "https://here", ServerOptions())


@pytest.mark.parametrize("name", ["my_host", "ab--cd", "-x-.example", "n" * 64, ""])
def test_a_machine_of_any_name_serves_https(start: Start, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    server, file = start(tls=True)
    assert httpx.get(f"{server.url}/v3/processes", headers=ADMIN, verify=trusting(file)).status_code == 200


MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "both": (
        {"tls": True, "tls_cert": "cert.pem"},
        "--tls makes a certificate, and --tls-cert names one; give one of the two",
    ),
    "a key alone": (
        {"tls_key": "key.pem"},
        "--tls-key is the key of a certificate; name that by --tls-cert, too",
    ),
    "a place for nothing": (
        {"tls_authority": "authority.pem"},
        "--tls-authority is where --tls writes its authority's certificate; give --tls, too",
    ),
    "clients by http": (
        {"tls_client_ca": "authority.pem"},
        "--tls-client-ca is about clients that come by https; give --tls or --tls-cert, too",
    ),
    "no certificate": (
        {"tls_cert": "none.pem"},
        "--tls-cert none.pem: No such file or directory; give the path of a file in PEM that this user may read",
    ),
    "no key": (
        {"tls_cert": "cert.pem", "tls_key": "none.pem"},
        "--tls-key none.pem: No such file or directory; give the path of a file in PEM that this user may read",
    ),
    "a NUL": (
        {"tls_cert": "a\0b"},
        "--tls-cert: a path holds no NUL; give the path of a file",
    ),
    "a folder": (
        {"tls": True, "tls_client_ca": "."},
        "--tls-client-ca .: Is a directory; give the path of a file in PEM that this user may read",
    ),
    "the key of another": (
        {"tls_cert": "cert.pem", "tls_key": "other.pem"},
        "--tls-key other.pem: it is not the key of the certificate in cert.pem",
    ),
    "a certificate without its key": (
        {"tls_cert": "cert.pem"},
        "--tls-cert cert.pem: no certificate and key in PEM; name the file of the key by --tls-key",
    ),
    "the text of a key": (
        {"tls_cert": "cert.pem", "tls_key": "-----BEGIN PRIVATE KEY-----\nMIIE"},
        "--tls-key: takes the path of a file, and got the text of one; write that into a file",
    ),
    "a name that no certificate has": (
        {"tls": True, "allow_host": ("my_host",)},
        "--allow-host my_host: no certificate can have this name; --tls-cert serves one of your own",
    ),
    "no PEM": (
        {"tls_cert": "text.pem", "tls_key": "key.pem"},
        "--tls-cert text.pem, --tls-key key.pem: no certificate and key in PEM",
    ),
    "no authority": (
        {"tls": True, "tls_client_ca": "text.pem"},
        "--tls-client-ca text.pem: no certificate in PEM",
    ),
    "a pass phrase": (
        {"tls_cert": "cert.pem", "tls_key": "locked.pem"},
        "locked.pem: the key has a pass phrase; give one without (openssl pkey writes it)",
    ),
    "no place to write": (
        {"tls": True, "tls_authority": "missing/authority.pem"},
        "--tls can't write its authority's certificate into missing/authority.pem: No such file or directory; "
        "--tls-authority names a file that can be written",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_can_not_be_used_is_told(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    options, expected = MISTAKES[mistake]
    write_certificate(authority, tmp_path)
    authority.issue_cert("other").private_key_pem.write_to_path(tmp_path / "other.pem")
    (tmp_path / "locked.pem").write_bytes(lock_key((tmp_path / "key.pem").read_bytes()))
    (tmp_path / "text.pem").write_text("no certificate")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as ending, pytest.raises(TlsError) as told:
        set_up_tls(ServerOptions(**options), ending.callback)  # type: ignore[arg-type]
    assert str(told.value) == expected


def lock_key(key: bytes) -> bytes:
    """A key in PEM, with a pass phrase."""
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def test_where_nothing_can_be_written_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with a read-only root."""

    def find_none(*_: object) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", find_none)
    with ExitStack() as ending, pytest.raises(TlsError) as told:
        set_up_tls(ServerOptions(tls=True), ending.callback)
    assert str(told.value) == (
        "--tls needs a temporary folder that can be written: No usable temporary directory found; TMPDIR names one, "
        "and docker run --tmpfs /tmp makes one"
    )
