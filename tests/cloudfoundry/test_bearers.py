"""Bearers: which Authorization headers name somebody, and what a name is that no user has.

Source: lib/cloud_controller/uaa/uaa_token_decoder.rb; cloudfoundry/cf-uaa-lib, lib/uaa/token_coder.rb.
"""

import pytest

from tests import plain_http
from tests.cloudfoundry.asking import WEB, Asking, error

NOT_AUTHENTICATED = (401, "CF-NotAuthenticated", "Authentication error", 10002)
INVALID_TOKEN = (401, "CF-InvalidAuthToken", "Invalid Auth Token", 1000)

HEADERS: dict[str, tuple[bytes, tuple[int, str, str, int] | None]] = {
    "two words": (b"bearer admin", None),
    "in any case": (b"BeArEr admin", None),
    "a tab between them": (b"bearer\tadmin", None),
    "many blanks between them": (b"bearer  \t  admin", None),
    "bearer twice": (b"bearer bearer admin", INVALID_TOKEN),
    "a word too many": (b"bearer admin x", INVALID_TOKEN),
    "bearer alone": (b"bearer", INVALID_TOKEN),
    "no blank": (b"beareradmin", INVALID_TOKEN),
    "another word that begins so": (b"bearers admin", INVALID_TOKEN),
    "the token alone": (b"admin", NOT_AUTHENTICATED),
    "basic": (b"Basic YWRtaW46", NOT_AUTHENTICATED),
    "empty": (b"", NOT_AUTHENTICATED),
}


@pytest.mark.parametrize("row", HEADERS)
def test_a_bearer_is_two_words(row: str, foundation: Asking) -> None:
    """What does not begin with bearer is no token, and anything but two words a bad one."""
    header, refusal = HEADERS[row]
    sent = {b"authorization": header, b"x-mock-foundation": foundation.name.encode()}
    answer = plain_http.get(f"{foundation.server.url}/v3/processes/{WEB}", headers=sent)
    assert (error(answer) if refusal else answer.status_code) == (refusal or 200)


def test_a_mistyped_user_is_told_where_the_seed_has_users(foundation: Asking) -> None:
    """An unknown name is an admin's, whatever the answer is; the names of users and `admin` are known."""
    note = "the bearer token names no user of the seed, so it is an admin's"
    for answer in (
        foundation.show(actor="develloper"),
        foundation.scale({"instances": -1}, actor="develloper"),
        foundation.show("unknown", actor="develloper"),
    ):
        assert note in answer.headers["x-mock-why"]
        assert "develloper" not in answer.headers["x-mock-why"]
    for actor in ("developer", "admin"):
        assert note not in foundation.show(actor=actor).headers["x-mock-why"]
    foundation.world.own_table("users").clear()
    assert note not in foundation.show(actor="develloper").headers["x-mock-why"]


def test_a_mistyped_user_is_refused_where_the_settings_say_so(foundation: Asking) -> None:
    foundation.given(settings={"unknown_users": "refused"})
    refused = foundation.show(actor="develloper")
    assert error(refused) == INVALID_TOKEN
    assert refused.headers["x-mock-why"].endswith("; did you mean developer?")
    assert [foundation.show(actor=each).status_code for each in ("developer", "admin")] == [200, 200]
    token = foundation.server.client.post(f"/__mock/foundations/{foundation.name}/tokens", json={"user": "developer"})
    assert foundation.show(actor=token.json()["access_token"]).status_code == 200
    foundation.given(settings={"unknown_users": "admin"})
    assert foundation.show(actor="develloper").status_code == 200
