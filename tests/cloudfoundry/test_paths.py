"""Methods and paths: what nginx and Rails' router make of them. Source: config/routes.rb, actionpack."""

import pytest

from tests.cloudfoundry.asking import APP, WEB, Asking

ROUTED: dict[str, tuple[str, str, int, int | None]] = {
    "a format behind the last word": ("GET", "/v3/processes.json", 200, None),
    "a format behind a guid": ("GET", f"/v3/processes/{WEB}.xml", 200, None),
    "a format behind a type": ("GET", f"/v3/apps/{APP}/processes/web.json", 200, None),
    "a format behind an index": ("DELETE", f"/v3/processes/{WEB}/instances/0.5", 204, None),
    "a second dot in a guid": ("GET", f"/v3/processes/{WEB}.a.json", 404, 10000),
    "a dot without a format": ("GET", f"/v3/processes/{WEB}.", 404, 10000),
    "bytes that are not UTF-8 in a guid": ("GET", "/v3/processes/%FF", 400, 10004),
    "bytes that are not UTF-8 where there is no route": ("GET", "/v3/%C0%80", 400, 10004),
    "a method that the path does not have": ("PUT", "/v3/processes", 404, 10000),
    "a method that Rails does not know": ("PURGE", "/v3/processes", 405, None),
    "HEAD": ("HEAD", f"/v3/processes/{WEB}/stats", 200, None),
    "a line beyond nginx's buffer": ("GET", "/v3/processes?guids=" + "a" * 8_200, 414, None),
}
"""A method, a path, the status, and the code of the error if there is one."""


@pytest.mark.parametrize("row", ROUTED)
def test_methods_and_paths_are_routed_as_by_rails_behind_nginx(row: str, foundation: Asking) -> None:
    method, path, status, code = ROUTED[row]
    answer = foundation.ask(method, path, documented=status < 400)
    assert answer.status_code == status
    if code is not None:
        assert answer.json()["errors"][0]["code"] == code


def test_a_path_that_is_not_utf_8_is_refused_before_the_token_is_asked_for(foundation: Asking) -> None:
    assert foundation.ask("GET", "/v3/processes/%FF", actor=None).status_code == 400
