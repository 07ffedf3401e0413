"""nginx and Envoy send each request to the shard that has its foundation, however the request names it."""

import asyncio
import json
import random
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from mockfoundry.foundations.shards import find_shard
from tests import plain_http
from tests.serving import ADMIN, WEB
from tests.shards.proxying import ENVOY, NGINX, running_proxy
from tests.shards.running import running_shards

pytestmark = pytest.mark.long

COUNT = 4

PROXIES = [
    pytest.param("nginx", marks=pytest.mark.skipif(not NGINX, reason="there is no nginx here")),
    pytest.param("envoy", marks=pytest.mark.skipif(not ENVOY, reason="there is no Envoy here")),
]


@pytest.fixture(scope="module", params=PROXIES)
def proxied(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a proxy before shards."""
    with running_shards(COUNT) as urls, running_proxy(request.param, urls) as url:
        yield url


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with plain_http.client() as client:
        yield client


def draw_names(count: int) -> list[str]:
    """Names of every length that a foundation may have."""
    chance = random.Random(7)
    signs = string.ascii_letters + string.digits
    lengths = [*range(1, 65)] * (count // 64 + 1)
    names = [chance.choice(signs) + "".join(chance.choices(f"{signs}_.-", k=length - 1)) for length in lengths]
    return names[:count]


def test_a_name_in_the_path_is_sent_to_its_shard(proxied: str, client: httpx.Client) -> None:
    for name in draw_names(256):
        answer = client.get(f"{proxied}/foundations/{name}/v3/processes/{WEB}", headers=ADMIN)
        assert answer.status_code == 200, (name, find_shard(name, COUNT), answer.text)


def test_a_control_call_is_sent_to_the_shard_of_its_foundation(proxied: str, client: httpx.Client) -> None:
    for name in draw_names(64):
        assert client.put(f"{proxied}/__mock/foundations/{name}").status_code in (200, 201), name
        assert client.get(f"{proxied}/__mock/foundations/{name}/state").status_code == 200, name


def test_a_name_in_the_header_is_sent_to_its_shard(proxied: str, client: httpx.Client) -> None:
    for name in draw_names(64):
        headers = {**ADMIN, "X-Mock-Foundation": name}
        assert client.get(f"{proxied}/v3/processes/{WEB}", headers=headers).status_code == 200, name


def test_a_repeated_header_is_sent_to_the_shard_of_its_name(proxied: str, client: httpx.Client) -> None:
    """As long as it is one name: another one beside it is refused, whichever shard of the two the proxy takes."""
    url, header = f"{proxied}/v3/processes/{WEB}", "X-Mock-Foundation"
    admin = [*ADMIN.items()]
    for name, other in zip(draw_names(32), reversed(draw_names(32)), strict=True):
        assert client.get(url, headers=[*admin, (header, name), (header, name)]).status_code == 200, name
        refused = client.get(url, headers=[*admin, (header, name), (header, other)])
        assert (refused.status_code, refused.json()["errors"][0]["title"]) == (400, "Mock-BadFoundationName"), name


def test_a_name_in_the_host_is_sent_to_its_shard(proxied: str, client: httpx.Client) -> None:
    # nginx takes no host with two dots in a row.
    for name in [each for each in draw_names(64) if ".." not in each and each[-1] != "."]:
        for host in (f"{name}.localhost", f"{name.upper()}.LOCALHOST:8080"):
            headers = {**ADMIN, "Host": host}
            answer = client.get(f"{proxied}/v3/processes/{WEB}", headers=headers)
            assert answer.status_code == 200, (host, answer.text)
            assert host in answer.text


def test_a_token_is_sent_to_the_shard_of_its_foundation(proxied: str, client: httpx.Client) -> None:
    for name in draw_names(64):
        form = {"grant_type": "password", "username": f"admin@{name}", "password": "any"}
        token = client.post(f"{proxied}/oauth/token", data=form, auth=("cf", "")).json()
        headers = {"Authorization": f"bearer {token['access_token']}"}
        assert client.get(f"{proxied}/v3/processes/{WEB}", headers=headers).status_code == 200, name
        # The path, the header and the host come before the token, as they do without a proxy.
        other = client.get(f"{proxied}/foundations/other/v3/processes/{WEB}", headers=headers)
        assert other.status_code == 401
        refresh = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
        assert client.post(f"{proxied}/oauth/token", data=refresh, auth=("cf", "")).status_code == 200, name


@pytest.mark.parametrize(
    "token", ["a.b.c", "..", "a.%%%.c", "a.e30.c", f"a.{'x' * 4000}.c", "a.eyJtb2NrX2ZvdW5kYXRpb24iOjF9.c"]
)
def test_what_is_no_token_is_sent_to_the_default_foundation(proxied: str, client: httpx.Client, token: str) -> None:
    assert client.get(f"{proxied}/v3/processes/{WEB}", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_the_rest_passes_as_it_is(proxied: str, client: httpx.Client) -> None:
    name = "passes"
    url = f"{proxied}/foundations/{name}"
    client.put(f"{proxied}/__mock/foundations/{name}")
    client.patch(f"{proxied}/__mock/foundations/{name}/clock", json={"frozen": True, "now": "2031-05-06T07:08:09Z"})
    answer = client.get(f"{url}/v3/processes/{WEB}", headers=ADMIN)
    assert answer.headers["date"] == "Tue, 06 May 2031 07:08:09 GMT"
    assert answer.json()["links"]["self"]["href"] == f"{url}/v3/processes/{WEB}"
    assert "x-mock-shard" not in client.get(f"{proxied}/__mock/foundations/{name}/requests").text.lower()
    client.put(f"{proxied}/__mock/foundations/{name}/scenarios/unavailable-then-ok")
    scale = [
        client.post(f"{url}/v3/processes/{WEB}/actions/scale", json={"instances": 2}, headers=ADMIN) for _ in range(3)
    ]
    # A proxy that tried again by itself would have used up both failures at once.
    assert [each.status_code for each in scale] == [503, 503, 202]
    assert (
        client.post(f"{url}/v3/processes/{WEB}/actions/scale", content=b"x" * 2_000_000, headers=ADMIN).status_code
        == 413
    )
    assert client.head(f"{url}/v3/processes/{WEB}", headers=ADMIN).status_code == 200


def test_sequences_are_exact_for_many_clients_of_many_foundations(proxied: str, request: pytest.FixtureRequest) -> None:
    """64 clients, 4 shards, 1,000 foundations: each foundation's two conflicts come first, whoever meets them."""
    count = 1_000 if "nginx" in request.node.name else 100
    names, clients, each_sends = [f"many-{number}" for number in range(count)], 64, 4
    asked = [name for name in names for _ in range(each_sends)]
    random.Random(1).shuffle(asked)
    scenario = {
        "scenario": "twice",
        "description": "The first two scales are refused.",
        "rules": [{"operation": "scaleProcess", "times": 2, "respond": {"error": "CF-Conflict"}}],
    }

    async def send(todo: "asyncio.Queue[str]", http: httpx.AsyncClient, seen: dict[str, list[int]]) -> None:
        while not todo.empty():
            name = todo.get_nowait()
            url = f"/foundations/{name}/v3/processes/{WEB}/actions/scale"
            seen[name].append((await http.post(url, json={"instances": 2}, headers=ADMIN)).status_code)

    async def send_all() -> dict[str, list[int]]:
        todo = asyncio.Queue[str]()
        for name in asked:
            todo.put_nowait(name)
        seen: dict[str, list[int]] = {name: [] for name in names}
        async with httpx.AsyncClient(
            base_url=proxied, timeout=60, limits=httpx.Limits(max_connections=clients)
        ) as http:
            await asyncio.gather(*(send(todo, http, seen) for _ in range(clients)))
        return seen

    with ThreadPoolExecutor(4) as pool, plain_http.client(base_url=proxied) as http:
        content = json.dumps(scenario)

        def play(name: str) -> int:
            path = f"/__mock/foundations/{name}/scenarios/twice"
            return http.put(path, content=content, headers={"Content-Type": "application/json"}).status_code

        assert set(pool.map(play, names)) <= {200, 201}
        seen: Any = asyncio.run(send_all())
        assert {name: sorted(statuses) for name, statuses in seen.items()} == {
            name: [202, 202, 409, 409] for name in names
        }

        def recorded(name: str) -> list[int]:
            found = http.get(f"/__mock/foundations/{name}/requests").json()["requests"]
            return [each["status"] for each in found]

        assert {tuple(each) for each in pool.map(recorded, names)} == {(409, 409, 202, 202)}
