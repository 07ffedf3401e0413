"""A server with TLS for a test: one line gives an https URL and what clients trust it by; mistakes are told at once."""

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import click.testing
import httpx
import pytest
import requests

from mockfoundry import InProcess, Server, ServerError
from mockfoundry.cli.ask import health, wait
from mockfoundry.client.errors import ControlError, TlsMismatchError
from tests.serving import ADMIN, WEB, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(tls=True, in_thread=True) as started:
        yield started


def test_one_line_gives_an_https_url_and_what_clients_trust_it_by(server: Server) -> None:
    foundation = server.foundation()
    url = f"{foundation.url}/v3/processes/{WEB}"
    assert url.startswith("https://127.0.0.1:")
    assert requests.get(url, headers=ADMIN, verify=server.authority, timeout=10).json()["links"]["self"]["href"] == url
    scaled = httpx.post(
        f"{url}/actions/scale", json={"instances": 3}, headers=ADMIN, verify=server.ssl_context(), timeout=10
    )
    assert scaled.status_code == 202
    assert foundation.process("dora").instances == 3


def test_links_by_the_host_of_a_foundation_are_of_that_host(server: Server) -> None:
    foundation = server.foundation("ci-1")
    headers, sni = {**ADMIN, "Host": "ci-1.localhost:8443"}, {"sni_hostname": "ci-1.localhost"}
    with httpx.Client(verify=server.ssl_context()) as client:
        by_host = client.get(f"{server.url}/v3/processes/{WEB}", headers=headers, extensions=sni)
    assert by_host.json()["links"]["self"]["href"] == f"https://ci-1.localhost:8443/v3/processes/{WEB}"
    foundation.verify("getProcess", times=1)


def test_the_context_trusts_nobody_else(server: Server) -> None:
    context = server.ssl_context()
    assert len(context.get_ca_certs()) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert server.ssl_context() is not context


def test_a_server_in_a_process_of_its_own_is_trusted_and_takes_its_authority_with_it() -> None:
    with Server(tls=True, scenarios=["conflict-then-ok"]) as started:
        file = Path(started.authority)
        url = f"{started.foundation().url}/v3/processes/{WEB}"
        asked = httpx.post(
            f"{url}/actions/scale", json={"instances": 2}, headers=ADMIN, verify=started.ssl_context(), timeout=10
        )
        assert asked.status_code == 409
    assert not file.parent.exists()


def test_a_server_that_runs_elsewhere_is_trusted_by_its_authority(server: Server, tmp_path: Path) -> None:
    with Server.connect(server.url, authority=server.authority) as connected:
        assert connected.authority == server.authority
        assert connected.foundation().process("dora").instances == 1
    with pytest.raises(TlsMismatchError, match="is not trusted: unable to get local issuer certificate; "):
        Server.connect(server.url).scenarios()
    with pytest.raises(FileNotFoundError):
        Server.connect(server.url, authority=tmp_path / "none.pem")
    (tmp_path / "text.pem").write_text("text")
    with pytest.raises(ServerError, match=r"text\.pem has no certificate in PEM; name the file that the server has"):
        Server.connect(server.url, authority=tmp_path / "text.pem")


def test_a_server_without_tls_has_no_authority() -> None:
    with serving() as plain:
        connected = Server.connect(plain.url)
        with pytest.raises(
            ServerError, match=r"has no authority of its own to trust; give Server\.connect its authori"
        ):
            connected.ssl_context()
    with pytest.raises(ServerError, match="is not running"):
        _ = Server(tls=True).authority
    with Server(in_thread=True) as started, pytest.raises(ServerError, match=r"start it with Server\(tls=True\)"):
        _ = started.authority


def test_without_tls_nothing_of_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with Server(in_thread=True) as plain, InProcess() as nowhere:
        assert plain.url.startswith("http://127.0.0.1:")
        assert nowhere.foundation().url.startswith("http://mockfoundry.test/")
        # The name of what speaks TLS is no sign of it.
        with pytest.raises(ControlError, match="Mock-NoTls") as refused:
            plain.foundation("Mock-NoTls").play("Mock-NoTls")
        assert refused.value.kind == "unknown-scenario"


def say(*command: str) -> tuple[int, str]:
    """The exit code of `mockfoundry health` or `wait`, and what it prints."""
    done = click.testing.CliRunner().invoke({"health": health, "wait": wait}[command[0]], command[1:])
    return done.exit_code, done.output


def test_waiting_for_a_server_that_is_not_trusted_ends_at_once_with_the_mend(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the longest patience: a test that waited for its end would not end."""
    mend = "export SSL_CERT_FILE=FILE, the authority's file that `mockfoundry serve --tls` names at its start\n"
    said = f"mockfoundry: {server.url} is not trusted: unable to get local issuer certificate; "
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert say("wait", "--url", server.url, "--timeout", "1m") == (1, said + mend)
    assert say("health", "--url", server.url) == (1, said + mend)
    none = tmp_path / "none.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(none))
    told = f"{said}SSL_CERT_FILE names {none}, which is not there: {mend}"
    assert say("wait", "--url", server.url, "--timeout", "1m") == (1, told)
    with Server(tls=True, in_thread=True) as other:
        monkeypatch.setenv("SSL_CERT_FILE", other.authority)
        code, told = say("wait", "--url", server.url, "--timeout", "1m")
        assert (code, told.endswith(f"; {other.authority} does not have its authority: {mend}")) == (1, True)
    monkeypatch.setenv("SSL_CERT_FILE", server.authority)
    assert say("wait", "--url", server.url)[0] == 0


def test_waiting_by_another_scheme_or_name_ends_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", server.authority)
    plain = server.url.replace("https", "http")
    told = f"mockfoundry: {plain} speaks TLS: write its URL with https://\n"
    assert say("wait", "--url", plain, "--timeout", "1m") == (1, told)
    with serving() as other:
        url = other.url.replace("http", "https")
        told = f"mockfoundry: {url} speaks no TLS: write its URL with http://, or start it with --tls\n"
        assert say("wait", "--url", url, "--timeout", "1m") == (1, told)
    by_name = server.url.replace("127.0.0.1", "127.1")
    code, told = say("wait", "--url", by_name, "--timeout", "1m")
    assert code == 1
    assert "Hostname mismatch, certificate is not valid for '127.1'; call it by a name that its certif" in told
