"""Each foundation is on one shard and nowhere else; any shard mints; lists and coverage look over all of them."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from mockfoundry.assembly import build_service
from mockfoundry.cli import main
from mockfoundry.cloudfoundry.signing_keys import THROW_AWAY_KEY_FILE
from mockfoundry.control import peers
from mockfoundry.foundations.shards import SLOTS, assign_slots, find_shard, hash_name
from mockfoundry.options import ServerOptions, iterate_options
from mockfoundry.server.run import BackgroundServer
from tests import plain_http
from tests.serving import ADMIN, real_now
from tests.shards.running import name_on, running_shards
from tests.waiting import must_end

COUNT = 2

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shards() -> Iterator[list[str]]:
    with running_shards(COUNT) as urls:
        yield urls


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with plain_http.client() as client:
        yield client


def log_in(client: httpx.Client, url: str, name: str) -> dict[str, str]:
    """The header of a token that is minted at the bare URL."""
    form = {"grant_type": "password", "username": f"admin@{name}", "password": "any"}
    answer = client.post(f"{url}/oauth/token", data=form, auth=("cf", ""))
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize(
    ("text", "digest"), [("", 0), ("a", 0x92685F5E), ("ab", 0x1AA14063), ("abc", 0x13577C9B), ("abcd", 0x26873021)]
)
def test_the_hash_is_that_of_nginx(text: str, digest: int) -> None:
    assert hash_name(text.encode()) == digest


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 16, 50])
def test_shares_are_of_one_size(count: int) -> None:
    sizes = Counter(assign_slots(count))
    assert set(sizes) == set(range(count))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert sizes.total() == SLOTS


@pytest.mark.parametrize("count", [1, 3, 4, 9, 20])
def test_one_shard_more_moves_no_name_between_the_others(count: int) -> None:
    before, after = assign_slots(count), assign_slots(count + 1)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {count}
    assert len(moved) == SLOTS // (count + 1)


def test_a_foundation_is_on_one_shard(shards: list[str], client: httpx.Client) -> None:
    for owner in range(COUNT):
        name = name_on(owner, COUNT)
        for number, url in enumerate(shards):
            answer = client.get(f"{url}/foundations/{name}/v3/processes", headers=ADMIN)
            if number == owner:
                assert answer.status_code == 200
            else:
                assert answer.status_code == 421
                told = answer.json()["errors"][0]
                assert told["title"] == "Mock-OtherShard"
                assert told["detail"].startswith(
                    f"The foundation {name} is on shard {owner}/{COUNT}, and this is {number}/{COUNT}; "
                )
                assert answer.headers["x-mock-why"] == f"foundation: not on shard {number}/{COUNT}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", None),
        ("GET", "/state", None),
        ("PATCH", "/clock", {"advance": "1s"}),
        ("PUT", "/scenarios/conflict", None),
        ("POST", "/tokens", {}),
        ("GET", "/requests", None),
        ("DELETE", "", None),
    ],
)
def test_no_control_call_reaches_a_foundation_of_another_shard(
    shards: list[str], client: httpx.Client, method: str, path: str, body: object
) -> None:
    name = name_on(1, COUNT)
    answer = client.request(method, f"{shards[0]}/__mock/foundations/{name}{path}", json=body)
    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:mockfoundry:OtherShard"
    own = client.get(f"{shards[0]}/__mock/foundations").json()["foundations"]
    assert name not in [each["name"] for each in own]


def test_a_copy_stays_on_its_shard(shards: list[str], client: httpx.Client) -> None:
    url, name = f"{shards[0]}/__mock/foundations", name_on(0, COUNT)
    client.put(f"{url}/{name}")
    other = name_on(1, COUNT)
    refused = client.post(f"{url}/{name}/copy", json={"as": other})
    assert refused.status_code == 421
    assert refused.json()["detail"] == (
        f"body /as: {other} is a name of shard 1/2, and a copy stays on that of its original, 0/2; take another name, "
        f"or GET the state of {name} and PUT it as that of {other} (which leaves out its scenarios, counters and "
        "journal)"
    )
    assert client.post(f"{url}/{name}/copy", json={"as": name, "replace": True}).status_code == 201


def test_any_shard_mints_for_a_copy(shards: list[str], client: httpx.Client) -> None:
    """As it does for any foundation; so the tokens of the original count there, and those of the copy in it alone."""
    original = name_on(0, COUNT)
    copy = next(name for number in range(100) if find_shard(name := f"copy-{number}", COUNT) == 0)
    client.put(f"{shards[0]}/__mock/foundations/{original}")
    body = {"as": copy, "replace": True}
    assert client.post(f"{shards[0]}/__mock/foundations/{original}/copy", json=body).status_code == 201
    for minting, name in ((0, copy), (1, copy), (1, original)):
        token = log_in(client, shards[minting], name)
        assert client.get(f"{shards[0]}/foundations/{copy}/v3/processes", headers=token).status_code == 200
        told = client.get(f"{shards[0]}/foundations/{original}/v3/processes", headers=token).status_code
        assert told == (200 if name == original else 401)


@pytest.mark.parametrize("minting", range(COUNT))
def test_any_shard_mints_and_makes_nothing(shards: list[str], client: httpx.Client, minting: int) -> None:
    owner = 1 - minting
    name = name_on(owner, COUNT)
    client.delete(f"{shards[owner]}/__mock/foundations/{name}")
    client.put(f"{shards[owner]}/__mock/foundations/{name}")
    token = log_in(client, shards[minting], name)
    assert name not in [
        each["name"] for each in client.get(f"{shards[minting]}/__mock/foundations").json()["foundations"]
    ]
    assert client.get(f"{shards[owner]}/v3/processes", headers=token).status_code == 200
    assert client.get(f"{shards[owner]}/__mock/foundations/{name}").json()["journal"]["recorded"] == 1
    # The token says whose it is, and the shard that minted it has no world for it.
    refused = client.get(f"{shards[minting]}/v3/processes", headers=token)
    assert (refused.status_code, refused.json()["errors"][0]["title"]) == (421, "Mock-OtherShard")


def test_a_token_is_the_first_that_its_shard_hears_of_a_foundation(client: httpx.Client) -> None:
    with running_shards(COUNT) as fresh:
        name = name_on(1, COUNT)
        token = log_in(client, fresh[0], name)
        assert client.get(f"{fresh[1]}/v3/processes", headers=token).status_code == 200


def test_strict_shards_take_tokens_of_one_key(client: httpx.Client) -> None:
    with running_shards(COUNT, strict_auth=True, signing_key=str(THROW_AWAY_KEY_FILE)) as strict:
        name = name_on(1, COUNT)
        answer = client.post(f"{strict[1]}/__mock/foundations/{name}/tokens", json={})
        token = {"Authorization": f"bearer {answer.json()['access_token']}"}
        assert client.get(f"{strict[1]}/v3/processes", headers=token).status_code == 200
        assert client.get(f"{strict[1]}/v3/processes", headers=ADMIN).status_code == 421


def test_lists_and_coverage_look_over_all(client: httpx.Client) -> None:
    with running_shards(COUNT) as others:
        asked = ServerOptions(shard=(0, COUNT), peer=("http://127.0.0.1:1", others[1]))
        with BackgroundServer(build_service(asked, real_now()), asked) as first:
            names = [name_on(owner, COUNT) for owner in range(COUNT)]
            for name, url in zip(names, (first.url, others[1]), strict=True):
                assert client.get(f"{url}/foundations/{name}/v3/processes", headers=ADMIN).status_code == 200
            found = client.get(f"{first.url}/__mock/foundations").json()
            assert found["unreachable"] == []
            assert {each["name"]: each["requests"] for each in found["foundations"]} == dict.fromkeys(names, 1)
            covered = client.get(f"{first.url}/__mock/coverage", params={"operation": "listProcesses"}).json()
            assert {each["status"]: each["times"] for each in covered["squares"] if each["times"]} == {200: COUNT}
            own = client.get(f"{first.url}/__mock/foundations", params={"shards": "own"}).json()
            assert own == {"foundations": [{"name": names[0], "requests": 1}]}


def test_a_shard_that_does_not_answer_is_named(client: httpx.Client) -> None:
    asked = ServerOptions(shard=(0, COUNT), peer=("http://127.0.0.1:1", "http://127.0.0.1:1"), control_token="key")
    with BackgroundServer(build_service(asked, real_now()), asked) as first:
        control = {"X-Mock-Control-Token": "key"}
        for path in ("/foundations", "/coverage"):
            found = client.get(f"{first.url}/__mock{path}", headers=control).json()
            assert [each["shard"] for each in found["unreachable"]] == [1]
            assert found["unreachable"][0]["reason"].startswith("http://127.0.0.1:1: ")
        asked_by_command = [["foundation", "list"], ["coverage"]]
        for command in asked_by_command:
            printed = CliRunner().invoke(main, [*command, "--url", first.url, "--control-token", "key"])
            assert "mockfoundry: shard 1 is missing here: http://127.0.0.1:1: " in printed.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shard", "4/4"], "'4/4' is no share of a server; write its number, counted from 0, and how many there are"),
        (["--shard", "x"], "'x' is no share of a server"),
        (["--shard", "0/51"], "at most 50"),
        (["--shard", "0/2", "--peer", "http://a:1", "--peer", "http://a:1"], "--peer names one server twice"),
        (["--peer", "http://a:1"], "--peer is given without --shard; say which of these servers this one is"),
        (["--shard", "0/3", "--peer", "http://a:1"], "--peer is given 1 times, and --shard says 3 servers; name each"),
        (["--shard", "0/2", "--peer", "a:1"], "'a:1' is no URL of a server; write it as http://mock-0.mock:8080"),
        (["--shard", "0/2", "--strict-auth"], "--shard 0/2 with --strict-auth needs --signing-key"),
        (["--workers", "2", "--shard", "0/2"], "--workers gives each of its own servers a share; leave --shard and"),
        (["--workers", "2", "--tls"], "--workers serves plain HTTP; give TLS to a proxy before it"),
        (["--workers", "2", "--strict-auth"], "--workers with --strict-auth needs --signing-key: each of its servers"),
        (["--workers", "2", "--port", "0"], "--workers needs a port of its own"),
    ],
)
def test_shares_that_can_not_be_are_refused(arguments: list[str], told: str) -> None:
    ended = CliRunner().invoke(main, ["serve", *arguments])
    assert ended.exit_code == 2
    assert told in " ".join(ended.output.split())


def test_workers_without_nginx_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ended = CliRunner().invoke(main, ["serve", "--workers", "2"])
    assert ended.exit_code == 2
    assert "there is no nginx on the PATH; install it (apt-get install nginx" in ended.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nginx", "a:1"], "'a:1' is no URL of a server"),
        (["nginx", "https://a:1"], "the proxy speaks TLS with clients, and plain HTTP with the shards"),
        (["envoy", "http://a:1", "--listen", "8080"], "--listen: '8080' is no address; write it as 127.0.0.1:8080"),
        (["envoy", "http://a:1", "--token-script", "x"], "Envoy's configuration reads tokens by itself, leave it out"),
        (["nginx", *["http://a:1"] * 51], "there are 51 shards; 50 are the most"),
        (["nginx", "http://a;b"], "'http://a;b' is no URL of a server"),
        (["envoy", "http://a:99999"], "'http://a:99999' is no URL of a server"),
        (["nginx", "http://a:1", "--listen", "a;b:80"], "--listen: 'a;b:80' is no address"),
    ],
)
def test_a_proxy_that_can_not_be_configured_is_refused(arguments: list[str], told: str) -> None:
    ended = CliRunner().invoke(main, ["proxy-config", *arguments])
    assert ended.exit_code == 2
    assert told in " ".join(ended.output.split())


def test_a_name_is_where_it_was_found_first() -> None:
    """A change here moves foundations of everybody who has a store: it needs a new major version."""
    names = ("default", "ci-42", "a", "A.b_c-d", "0" * 64)
    assert [find_shard(name, 4) for name in names] == [0, 0, 1, 0, 3]


@pytest.mark.parametrize(("file", "schema"), [("compose.yaml", "vendor.compose-spec")])
def test_the_example_is_what_its_reader_takes(file: str, schema: str) -> None:
    path = ROOT / "docs" / "shards" / file
    checked = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(path)])
    assert checked.exit_code == 0, checked.output


def test_the_compose_file_and_its_command_say_the_same() -> None:
    """The shards, their URLs, the proxy's, and where they keep what they have."""
    text = (ROOT / "docs" / "shards" / "compose.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    shards = [name for name in services if services[name]["image"] == "mockfoundry"]
    urls = [f"http://{name}:8080" for name in shards]
    assert f"mockfoundry proxy-config nginx --listen 0.0.0.0:8080 {' '.join(urls)} > nginx.conf" in text
    known = {option.environment_variable for option in iterate_options()}
    for number, name in enumerate(shards):
        variables = services[name]["environment"]
        assert set(variables) <= known
        assert variables["MOCKFOUNDRY_SHARD"] == f"{number}/{len(shards)}"
        assert variables["MOCKFOUNDRY_PEER"].split() == urls
        store = urlsplit(variables["MOCKFOUNDRY_STORE"])
        assert (store.scheme, store.hostname in services, store.port) == ("redis", True, 6379)
        assert services[name]["depends_on"] == {store.hostname: {"condition": "service_healthy"}}
        with pytest.MonkeyPatch.context() as patch:
            for option, value in variables.items():
                patch.setenv(option, value)
            ended = CliRunner().invoke(main, ["serve", "--host", "203.0.113.1"])
            assert "can't listen on 203.0.113.1 port 8080" in ended.output


def test_the_manifest_and_its_commands_say_the_same(tmp_path: Path) -> None:
    """The shards' own number of themselves, their URLs and the proxy's."""
    text = (ROOT / "docs" / "shards" / "kubernetes.yaml").read_text(encoding="utf-8")
    parts = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    shards = parts["StatefulSet", "mock"]["spec"]
    (container,) = shards["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value", "") for each in container["env"]}
    count = shards["replicas"]
    urls = [f"http://mock-{number}.mock:8080" for number in range(count)]
    assert variables["MOCKFOUNDRY_SHARD"] == f"$(INDEX)/{count}"
    assert variables["MOCKFOUNDRY_PEER"].split() == urls
    assert "$(for i in 0 1 2 3; do echo http://mock-$i.mock:8080; done)" in text
    known = {option.environment_variable for option in iterate_options()}
    assert {name for name in variables if name != "INDEX"} <= known
    (volume,), (mounted,) = shards["volumeClaimTemplates"], container["volumeMounts"]
    assert mounted["name"] == volume["metadata"]["name"]
    assert variables["MOCKFOUNDRY_STORE"] == f"file:{mounted['mountPath']}"
    assert container["securityContext"]["readOnlyRootFilesystem"]
    probes = {container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert probes == {"/__mock/health"}
    kept = {"MOCKFOUNDRY_STORE": f"file:{tmp_path / 'kept'}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, **kept, "MOCKFOUNDRY_SHARD": f"3/{count}"}.items():
            patch.setenv(name, value)
        # It gets as far as the port, so all values were taken.
        ended = CliRunner().invoke(main, ["serve", "--host", "203.0.113.1"])
        assert "can't listen on 203.0.113.1 port 8080" in ended.output


@pytest.mark.parametrize(
    "answer",
    [
        "null",
        "[" * 5000,
        *(
            pytest.param(answer, marks=pytest.mark.long)
            for answer in ("[]", '{"foundations": [1, null]}', '{"foundations": [{"name": "\\ud800"}]}')
        ),
    ],
)
def test_a_shard_that_answers_oddly_is_named_and_hides_nothing(client: httpx.Client, answer: str) -> None:
    with answering(answer.encode()) as url:
        asked = ServerOptions(shard=(0, COUNT), peer=("http://127.0.0.1:1", url))
        with BackgroundServer(build_service(asked, real_now()), asked) as first:
            client.get(f"{first.url}/foundations/{name_on(0, COUNT)}/v3/processes", headers=ADMIN)
            for path in ("/foundations", "/coverage"):
                found = client.get(f"{first.url}/__mock{path}")
                assert found.status_code == 200, path
                told = f"{url} answers otherwise than mockfoundry of this version"
                assert found.json()["unreachable"] == [{"shard": 1, "reason": told}]


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """The URL of a server that answers everything with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_shard_that_drips_is_waited_for_no_longer_than_it_may_take(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "TIMEOUT_SECONDS", 0.2)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"H")

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        asked = ServerOptions(shard=(0, COUNT), peer=("http://127.0.0.1:1", url))
        with BackgroundServer(build_service(asked, real_now()), asked) as first:
            found = client.get(f"{first.url}/__mock/foundations").json()
        assert [each["shard"] for each in found["unreachable"]] == [1]
        ended.set()
        must_end(dripping)
