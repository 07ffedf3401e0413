"""UAA's documents: how to log in, its keys, and where its endpoints are. Open to everybody, and never secret.

Source: cloudfoundry/uaa, login/LoginInfoEndpoint.java, oauth/TokenKeyEndpoint.java, model
account/OpenIdConfiguration.java.
"""

from base64 import urlsafe_b64encode
from typing import Any

from mockfoundry.cloudfoundry.signing_keys import KeyPair
from mockfoundry.cloudfoundry.uaa.request import UaaRequest, UaaResponse

UAA_VERSION = "77.18.0"


def show_login(request: UaaRequest) -> UaaResponse:
    """What to ask a user for; command lines send just what stands in `prompts`."""
    base = request.base
    body = {
        "app": {"version": UAA_VERSION},
        "links": {"uaa": base, "passwd": "/forgot_password", "login": base, "register": "/create_account"},
        "zone_name": "uaa",
        "entityID": request.base.partition("://")[2],
        "commit_id": "13dc87a",
        "idpDefinitions": {},
        "prompts": {"username": ["text", "Email"], "password": ["password", "Password"]},
        "timestamp": "2024-10-24T00:00:00+0000",
    }
    return UaaResponse(200, body, "world: how to log in")


def show_token_keys(request: UaaRequest) -> UaaResponse:
    """The public parts of all keys that tokens are signed with: one."""
    return answer_with_keys(request, is_list=True)


def show_token_key(request: UaaRequest) -> UaaResponse:
    """The public part of the key that tokens are signed with now."""
    return answer_with_keys(request, is_list=False)


def answer_with_keys(request: UaaRequest, is_list: bool) -> UaaResponse:
    pair = request.authority.key.load()
    # The real one has the time of the zone's last change, in milliseconds.
    tag = f'"{pair.public.public_numbers().n % 10**13:013d}"'
    headers = (("etag", tag),)
    if request.known_tag == tag:
        return UaaResponse(304, None, "world: the key is the one that is known", headers)
    key = describe_key(pair)
    return UaaResponse(200, {"keys": [key]} if is_list else key, "world: the server's signing key", headers)


def describe_key(pair: KeyPair) -> dict[str, Any]:
    """The public part of a key as a JSON Web Key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    numbers = pair.public.public_numbers()
    text = pair.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "kty": "RSA",
        "e": encode_number(numbers.e),
        "use": "sig",
        "kid": pair.name,
        "alg": "RS256",
        "value": text.strip(),
        "n": encode_number(numbers.n),
    }


def encode_number(number: int) -> str:
    """A number as RFC 7518, section 6.3.1, has it."""
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()


def show_openid_configuration(request: UaaRequest) -> UaaResponse:
    """Where the endpoints are, and what they take."""
    base = request.base
    body = {
        "issuer": f"{base}/oauth/token",
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "HS256"],
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/token_keys",
        "end_session_endpoint": f"{base}/logout.do",
        "scopes_supported": ["openid", "profile", "email", "phone", "roles", "user_attributes"],
        "response_types_supported": ["code", "code id_token", "id_token", "token id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256"],
        "id_token_encryption_alg_values_supported": ["none"],
        "claim_types_supported": ["normal"],
        "claims_supported": list(CLAIMS_SUPPORTED),
        "claims_parameter_supported": False,
        "service_documentation": "http://docs.cloudfoundry.org/api/uaa/",
        "ui_locales_supported": ["en-US"],
        "code_challenge_methods_supported": ["S256", "plain"],
    }
    return UaaResponse(200, body, "world: where UAA's endpoints are")


CLAIMS_SUPPORTED = (
    "sub",
    "user_name",
    "origin",
    "iss",
    "auth_time",
    "amr",
    "acr",
    "client_id",
    "aud",
    "zid",
    "grant_type",
    "user_id",
    "azp",
    "scope",
    "exp",
    "iat",
    "jti",
    "rev_sig",
    "cid",
    "given_name",
    "family_name",
    "phone_number",
    "email",
)
