"""A request names one foundation: where it names two, no door takes either, since a proxy may have taken the other."""

import pytest

from tests.server.held_requests import DOORS, fresh_foundation, open_door
from tests.serving import WEB


@pytest.mark.parametrize("name", DOORS)
def test_a_header_that_names_two_foundations_is_refused(name: str) -> None:
    """In two lines or in one; the same name twice is one name, and a path names the foundation before any header."""
    with open_door(name) as server:
        door = fresh_foundation(server)
        url, header = f"{door.url}/v3/processes/{WEB}", "X-Mock-Foundation"
        for lines in ([(header, door.name), (header, "other")], [(header, f"{door.name}, other")]):
            refused = door.client.get(url, headers=lines)
            assert refused.status_code == 400
            assert refused.json()["errors"] == [
                {
                    "code": 990001,
                    "title": "Mock-BadFoundationName",
                    "detail": f"The foundation is named '{door.name}, other', and a name has no comma; give one name, "
                    "and send X-Mock-Foundation once",
                }
            ]
            assert refused.headers["x-mock-why"] == "foundation: named more than once"
            assert door.client.get(door.api + f"/v3/processes/{WEB}", headers=lines).status_code == 200
        assert door.client.get(url, headers=[(header, ""), (header, door.name)]).status_code == 400
        token = door.client.post(f"{door.url}/oauth/token", headers=[(header, door.name), (header, "other")])
        assert token.status_code == 400
        assert door.client.get(url, headers=[(header, door.name)] * 2).status_code == 200
        assert [each["path"] for each in door.entries()] == [
            *[f"/foundations/{door.name}/v3/processes/{WEB}"] * 2,
            f"/v3/processes/{WEB}",
        ]
        assert door.client.get(f"{door.url}/__mock/foundations/other").status_code == 404
