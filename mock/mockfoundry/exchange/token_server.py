"""UAA in an exchange: the foundation that a log-in is for, UAA's operations, and its form of answers. Never logs in."""

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus

from mockfoundry.bodies import BodyForm, format_header_value, read_form, read_query
from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.errors import CATALOGUE, UNKNOWN_ERROR, Refusal
from mockfoundry.cloudfoundry.tokens import claims_from_token
from mockfoundry.cloudfoundry.uaa.clients import find_client, read_basic_credentials
from mockfoundry.cloudfoundry.uaa.names import find_foundation_in_name
from mockfoundry.cloudfoundry.uaa.operations import (
    LOG_IN_OPERATIONS,
    UAA_ENVELOPE,
    UaaOperation,
    answer_other_method,
    refuse_method,
)
from mockfoundry.cloudfoundry.uaa.request import (
    BAD_CREDENTIALS,
    TOKEN_HEADERS,
    UaaRefusal,
    UaaRequest,
    UaaResponse,
    client_challenge,
    controller_challenge,
    name_error,
    refuse_by_controller,
    refuse_token,
    response_from_uaa_refusal,
)
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.plan import Plan
from mockfoundry.contract.routes import Route
from mockfoundry.exchange.context import ExchangeContext, Service
from mockfoundry.exchange.request import Headers, Request
from mockfoundry.exchange.response import (
    Response,
    json_response,
    raw_response,
    response_from_refusal,
    scenario_response,
)
from mockfoundry.foundations.addressing import Address, parse_address
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.refusals import FOUNDATION_GONE
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION, FoundationRegistry
from mockfoundry.journal.entry import DecidedBy
from mockfoundry.scenarios.engine import ScenarioMatch
from mockfoundry.scenarios.model import Respond

UAA_MEDIA_TYPE = b"application/json"

UAA_HEADERS: Headers = [
    (b"content-security-policy", b"script-src 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-xss-protection", b"0"),
    (b"x-frame-options", b"DENY"),
]
"""What every answer of UAA has [webapp/WEB-INF/web.xml, security/web/ContentSecurityPolicyFilter.java]."""

UNCACHED_HEADERS: Headers = [
    (b"cache-control", b"no-cache, no-store, max-age=0, must-revalidate"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
]
"""What one has that says nothing else of caches."""

GATEWAY_PAGE = b"502 Bad Gateway: Registered endpoint failed to handle the request.\n"


def is_of_uaa(plan: Plan | None) -> bool:
    """Whether UAA answers an operation, and not the Cloud Controller."""
    return plan is not None and plan.error_envelope == UAA_ENVELOPE


# Which foundation


def read_parameters(request: Request) -> dict[str, str]:
    """The parameters of the query and of a form."""
    query = {name: values[-1] for name, values in read_query(request.query_string).items()}
    return {**query, **read_form(request.content)} if has_form(request) else query


def has_form(request: Request) -> bool:
    return request.body_form is BodyForm.FORM and bool(request.content)


def find_token_address(service: Service, request: Request, address: Address, route: Route) -> Address:
    """The address of a request to UAA: at the bare URL its token, its user or its client may say a foundation."""
    if address.named:
        return address
    parameters = read_parameters(request)
    if parameters.get("grant_type") == "refresh_token" or route.plan.operation not in LOG_IN_OPERATIONS:
        # Another grant does not look at a refresh token, and a log-in at no token.
        name = "refresh_token" if route.plan.operation in LOG_IN_OPERATIONS else "token"
        of_token = find_address_of_token(service, request, parameters.get(name, ""), address)
        if of_token is not address:
            return of_token
    registry, real_time = service.registry, request.arrived
    if parameters.get("grant_type") == "password":
        found = find_named_foundation(registry, parameters.get("username", ""), real_time, has_user)
        if found is not None:
            return Address(found, address.path, named=False)
    found = find_named_foundation(registry, read_client_id(request, parameters), real_time, has_client)
    return address if found is None else Address(found, address.path, named=False)


def find_address_of_token(service: Service, request: Request, token: str, address: Address) -> Address:
    """The address in the foundation that a token names; the given one where it names none that is, or was, there.

    An old token makes no foundation: all servers share a key, so it may be of another one.
    """
    claims = claims_from_token(service.authority.key, token)
    if claims is None:
        return address
    name, registry = claims.foundation, service.registry
    if registry.shard is not None:
        # Every shard mints, so this may be the first that the right one hears of it.
        return Address(name, address.path)
    is_known = registry.find_active(name, request.arrived) is not None or registry.describe_absence(name)
    return Address(name, address.path) if is_known else address


def read_client_id(request: Request, parameters: dict[str, str]) -> str:
    """The id that the client of a request gives, empty where none can be read."""
    authorization = request.header(b"authorization")
    if authorization[:6].lower() != "basic ":
        return parameters.get("client_id", "")
    try:
        return read_basic_credentials(authorization[6:])[0]
    except UaaRefusal:
        return ""


def find_named_foundation(
    registry: FoundationRegistry, name: str, real_time: int, has: Callable[[World, str], bool]
) -> str | None:
    """The foundation that the name of a user or of a client says, None where it says none."""
    default = registry.find_active(DEFAULT_FOUNDATION, real_time)
    seeded = registry.initial_world

    def is_known_in(part: str, foundation: str) -> bool:
        there = registry.find_active(foundation, real_time)
        return there is not None and has(there.world, part)

    return find_foundation_in_name(
        name,
        lambda whole: has(seeded if default is None else default.world, whole),
        lambda part: has(seeded, part),
        is_known_in,
    )


def has_user(world: World, name: str) -> bool:
    return name in world.users or name == ANY_ADMIN.name


def has_client(world: World, name: str) -> bool:
    return find_client(world, name) is not None


def prepare_foundation(service: Service, request: Request, address: Address, route: Route) -> FoundationState | None:
    """Makes the foundation of a log-in, also one that is gone: to log in is a purpose, to refresh a token is none.

    None where it is there, or is not to be made.

    Raises:
        Refusal: there are too many.
    """
    registry, real_time = service.registry, request.arrived
    if route.plan.operation not in LOG_IN_OPERATIONS or registry.find_active(address.name, real_time) is not None:
        return None
    if read_parameters(request).get("grant_type") not in LOG_IN_GRANTS:
        return None
    return registry.create(address.name, None, real_time)


LOG_IN_GRANTS = frozenset({"password", "client_credentials"})


# Operations and answers


def run_uaa_operation(context: ExchangeContext, operation: UaaOperation) -> Response:
    """What UAA answers, a refusal among that."""
    request, foundation = context.request, context.foundation
    if foundation.world.settings.uaa == "unavailable":
        return gateway_response()
    address = parse_address(request.target, request.headers.get(b"x-mock-foundation"), request.host)
    asked = UaaRequest(
        world=foundation.world,
        foundation=foundation.name,
        is_named=address.named,
        parameters=read_parameters(request),
        has_form=has_form(request),
        authorization=request.header(b"authorization"),
        known_tag=request.header(b"if-none-match"),
        base=f"{request.base_url}{context.prefix}",
        now=context.now,
        authority=context.service.authority,
        issuers=foundation.token_issuers,
        next_number=foundation.next_token_number,
    )
    try:
        answer = operation(asked)
    except UaaRefusal as refusal:
        return response_from_uaa(response_from_uaa_refusal(refusal))
    context.actor = answer.actor or context.actor
    return response_from_uaa(answer)


def response_to_other_method(context: ExchangeContext, plan: Plan) -> Response:
    """What UAA answers to a method that one of its paths does not have."""
    method, operations = context.request.method, context.service.uaa_operations
    if not operations:
        return response_from_uaa(response_from_uaa_refusal(refuse_method(method)))
    return run_uaa_operation(context, partial(answer_other_method, method, plan.operation))


def response_from_uaa(answer: UaaResponse, decided_by: DecidedBy = "world") -> Response:
    """The response that an answer of UAA is, without the headers that all of them have."""
    response = json_response(answer.status, answer.body, answer.why, UAA_MEDIA_TYPE)
    response.headers += encode_headers(answer.headers)
    response.decided_by = decided_by
    return response


def gateway_response() -> Response:
    """What the router answers for UAA where that can't be reached [gorouter, handlers and proxy/round_tripper]."""
    response = raw_response(502, GATEWAY_PAGE, "world: settings: {uaa: unavailable}", b"text/plain; charset=utf-8")
    response.headers += ((b"x-cf-routererror", b"endpoint_failure"), (b"x-content-type-options", b"nosniff"))
    response.has_platform_headers = False
    response.has_request_id = True
    return response


def dress_uaa_response(response: Response, plan: Plan) -> None:
    """Gives a response of UAA its headers in place of the Cloud Controller's, whatever it was made of."""
    if not response.has_platform_headers:
        return
    response.has_platform_headers = False
    response.has_request_id = True
    headers = [
        (name, UAA_MEDIA_TYPE if name == b"content-type" and value.startswith(UAA_MEDIA_TYPE) else value)
        for name, value in response.headers
    ]
    said = {name for name, _ in headers}
    must_not_be_kept = response.status >= 400 or plan.operation in LOG_IN_OPERATIONS
    if must_not_be_kept and b"cache-control" not in said:
        # What a contract or a scenario says in place of UAA lacks what all of its errors have.
        headers += encode_headers(TOKEN_HEADERS)
    if response.status == 401 and b"www-authenticate" not in said:
        headers += encode_headers([("www-authenticate", find_challenge(response))])
    is_said = b"cache-control" in said or must_not_be_kept
    response.headers = [*headers, *UAA_HEADERS, *(() if is_said else UNCACHED_HEADERS)]


def find_challenge(response: Response) -> str:
    """The challenge that UAA sends with a 401 that it did not make itself, as the body's words have it."""
    body = response.value if isinstance(response.value, dict) else {}
    error, description = (str(body.get(name, "")) for name in ("error", "error_description"))
    if description == BAD_CREDENTIALS:
        return client_challenge(BAD_CREDENTIALS)
    return controller_challenge(error or name_error(401), description or HTTP_WORDS[401])


def encode_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name.encode(), format_header_value(value)) for name, value in headers]


def response_from_refusal_of(plan: Plan | None, refusal: Refusal, decided_by: DecidedBy = "world") -> Response:
    """The response that a refusal is, in the form of who answers the operation."""
    if plan is None or not is_of_uaa(plan):
        return response_from_refusal(refusal, decided_by)
    status, text = refusal.entry.status, HTTP_WORDS[500] if refusal.entry is UNKNOWN_ERROR else refusal.detail
    if refusal.entry is FOUNDATION_GONE and plan.operation in LOG_IN_OPERATIONS:
        # A token of a foundation that is gone; clients know this word, and ask their users to log in.
        gone = response_from_uaa_refusal(refuse_token(f"{refusal.why}; {text}"))
        return dressed(response_from_uaa(gone, decided_by), plan)
    refused = refuse_by_controller(status, name_error(status), text, refusal.why)
    return dressed(response_from_uaa(response_from_uaa_refusal(refused), decided_by), plan)


def dressed(response: Response, plan: Plan) -> Response:
    dress_uaa_response(response, plan)
    return response


def scripted_response(plan: Plan | None, match: ScenarioMatch, respond: Respond, random_seed: int) -> Response:
    """The answer that a scenario gives in place of the world's, in the form of who answers the operation.

    Args:
        random_seed: what a body without an example follows from.
    """
    if not is_of_uaa(plan) or plan is None:
        return scenario_response(plan, match, respond, random_seed)
    why = match.why
    if respond.error is not None:
        entry = CATALOGUE[respond.error]
        status, text = entry.status, respond.detail or entry.detail
    elif respond.example is not None and plan.example(respond.example) is None:
        status, text = 500, HTTP_WORDS[500]
        why = f"{why}; {plan.operation} documents no example {respond.example}"
    elif respond.status is not None and respond.status >= 400 and not respond.has_own_body:
        if respond.status in plan.responses:
            return scenario_response(plan, match, respond, random_seed)
        status, text = respond.status, HTTP_WORDS.get(respond.status, "Error")
    else:
        return scenario_response(plan, match, respond, random_seed)
    refused = refuse_by_controller(status, name_error(status), text, why)
    response = response_from_uaa(response_from_uaa_refusal(refused), "scenario")
    response.fault = respond.fault or ""
    return response


HTTP_WORDS = {status.value: status.phrase for status in HTTPStatus}
