"""The error catalogue: the Cloud Controller's titles, codes, statuses and details. Never decides when to refuse.

Source: cloud_controller_ng, errors/v2.yml and app/presenters/v3_error_hasher.rb; reference page `Scale a process` for
the statuses that it documents.
"""

from typing import Any, NamedTuple


class CatalogueEntry(NamedTuple):
    """One kind of error.

    Attributes:
        title: as clients see it, `CF-…`.
        code: the Cloud Controller's number for it.
        status: of the HTTP response.
        detail: the text if a refusal gives none.
        template: the text with a `{}` for what is particular to the case, as v2.yml has `%s`.
    """

    title: str
    code: int
    status: int
    detail: str
    template: str = "{}"

    def fill_template(self, text: str) -> str:
        """The detail for one case."""
        return self.template.format(text)


NOT_FOUND = CatalogueEntry("CF-NotFound", 10000, 404, "Unknown request")
INVALID_AUTH_TOKEN = CatalogueEntry("CF-InvalidAuthToken", 1000, 401, "Invalid Auth Token")
MESSAGE_PARSE_ERROR = CatalogueEntry(
    "CF-MessageParseError", 1001, 400, "Request invalid due to parse error: invalid request body"
)
UNKNOWN_ERROR = CatalogueEntry("UnknownError", 10001, 500, "An unknown error occurred.")
SERVER_ERROR = CatalogueEntry("CF-ServerError", 10001, 500, "Server error")
NOT_AUTHENTICATED = CatalogueEntry("CF-NotAuthenticated", 10002, 401, "Authentication error")
NOT_AUTHORIZED = CatalogueEntry(
    "CF-NotAuthorized", 10003, 403, "You are not authorized to perform the requested action"
)
INVALID_REQUEST = CatalogueEntry("CF-InvalidRequest", 10004, 400, "The request is invalid")
BAD_QUERY_PARAMETER = CatalogueEntry(
    "CF-BadQueryParameter", 10005, 400, "The query parameter is invalid", "The query parameter is invalid: {}"
)
UNPROCESSABLE_ENTITY = CatalogueEntry("CF-UnprocessableEntity", 10008, 422, "The request is semantically invalid")
RESOURCE_NOT_FOUND = CatalogueEntry("CF-ResourceNotFound", 10010, 404, "Resource not found")
RATE_LIMIT_EXCEEDED = CatalogueEntry("CF-RateLimitExceeded", 10013, 429, "Rate Limit Exceeded")
ADDRESS_RATE_LIMIT_EXCEEDED = CatalogueEntry(
    "CF-IPBasedRateLimitExceeded",
    10014,
    429,
    "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. Please log in.",
)
SERVICE_UNAVAILABLE = CatalogueEntry("CF-ServiceUnavailable", 10015, 503, "Service unavailable")
CONFLICT = CatalogueEntry("CF-Conflict", 10409, 409, "Scale is already in progress")
UNIQUENESS_ERROR = CatalogueEntry("CF-UniquenessError", 10016, 422, "The name is taken")
ORG_SUSPENDED = CatalogueEntry("CF-OrgSuspended", 10017, 403, "The organization is suspended")
SPACE_SUSPENDED = CatalogueEntry("CF-SpaceSuspended", 10019, 403, "The space is suspended")
RESOURCE_BEING_DELETED = CatalogueEntry("CF-ResourceBeingDeleted", 10020, 422, "The resource is being deleted")
STATS_UNAVAILABLE = CatalogueEntry(
    "CF-StatsUnavailable", 200002, 503, "Stats unavailable: Stats server temporarily unavailable."
)
RUNNER_UNAVAILABLE = CatalogueEntry(
    "CF-RunnerUnavailable",
    170015,
    503,
    "Runner is unavailable: Unable to communicate with Diego",
    "Runner is unavailable: {}",
)
LABEL_LIMIT_EXCEEDED = CatalogueEntry(
    "CF-LabelLimitExceeded", 390020, 422, "Failed to add labels because it would exceed maximum of 50"
)
ANNOTATION_LIMIT_EXCEEDED = CatalogueEntry(
    "CF-AnnotationLimitExceeded", 390023, 422, "Failed to add annotations because it would exceed maximum of 200"
)
INSTANCES_UNAVAILABLE = CatalogueEntry(
    "CF-InstancesUnavailable", 220002, 503, "Instances information unavailable: connection to the scheduler failed"
)
PROCESS_NOT_FOUND = CatalogueEntry(
    "CF-ProcessNotFound", 350003, 404, "The process could not be found", "The process could not be found: {}"
)
TASK_WORKERS_UNAVAILABLE = CatalogueEntry(
    "CF-TaskWorkersUnavailable",
    170020,
    503,
    "Task workers are unavailable: Unable to communicate with Diego",
    "Task workers are unavailable: {}",
)
FEATURE_DISABLED = CatalogueEntry(
    "CF-FeatureDisabled", 330002, 403, "Feature Disabled: app_scaling", "Feature Disabled: {}"
)
UAA_UNAVAILABLE = CatalogueEntry("CF-UaaUnavailable", 20004, 503, "The UAA service is currently unavailable")
BAD_REQUEST = CatalogueEntry("CF-BadRequest", 1004, 400, "bad request")

CATALOGUE: dict[str, CatalogueEntry] = {
    entry.title: entry for entry in globals().copy().values() if isinstance(entry, CatalogueEntry)
}
"""Every entry above by its title: scenarios name any of them, those included that no rule of the world raises."""


class Refusal(Exception):
    """A request is refused, and nothing was changed.

    Attributes:
        entry: the kind of error, from the catalogue.
        detail: the text of the response; the entry's own where none is given.
        why: what decided it, for `X-Mock-Why`.
    """

    def __init__(self, entry: CatalogueEntry, detail: str = "", why: str = "") -> None:
        self.entry = entry
        self.detail = detail or entry.detail
        super().__init__(self.detail)
        self.why = why or f"world: {self.detail}"


def build_error_body(entry: CatalogueEntry, detail: str = "") -> dict[str, Any]:
    """The JSON body of an error, with the keys in the Cloud Controller's order [v3_error_hasher.rb]."""
    detail = detail or entry.detail
    if entry is UNKNOWN_ERROR:
        return {"errors": [{"title": entry.title, "detail": detail, "code": entry.code}]}
    return {"errors": [{"detail": detail, "title": entry.title, "code": entry.code}]}
