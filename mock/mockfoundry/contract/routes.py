"""The route table: from a method and a path to a plan and its path parameters. Never reads a request."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mockfoundry.bodies import read_query
from mockfoundry.contract.plan import ContractError, Plan, RoutePattern, Violation

MAX_REMEMBERED_PATHS = 4096
"""How many paths are remembered: a client asks for the same few again and again."""

MAX_REMEMBERED_LENGTH = 512

_VERSION = re.compile(r"v\d+")


class Route(NamedTuple):
    """Where a path leads.

    Attributes:
        path: the path parameters, percent-decoded.
        violations: what the contract does not allow of them.
    """

    plan: Plan
    path: dict[str, str]
    violations: tuple[Violation, ...]


class QueryReading(NamedTuple):
    """What a query string says.

    Attributes:
        parameters: each with all its values in order; not to be changed, since it may be remembered.
        violations: what the contract does not allow of them.
    """

    parameters: Mapping[str, list[str]]
    violations: tuple[Violation, ...]


MAX_REMEMBERED_QUERIES = 1024


class _Branch:
    """One segment of the paths: what may follow it, and the patterns whose path ends here, by method.

    `slashed` has those whose path ends in a slash, where another path is the same without it. `encoded` has, by their
    decoded text, the segments that a client must percent-encode.
    """

    __slots__ = ("encoded", "fixed", "mixed", "patterns", "slashed", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Branch] = {}
        self.encoded: dict[str, _Branch] = {}
        self.mixed: dict[str, tuple[re.Pattern[str], _Branch, bool]] = {}
        self.variable: _Branch | None = None
        self.patterns: dict[str, RoutePattern] = {}
        self.slashed: dict[str, RoutePattern] = {}


class RouteTable:
    """The contract's paths as a tree of segments.

    Doubled and trailing slashes are ignored, HEAD is served as GET, and a path that ends with a segment of the contract
    may have a format behind it (`/v3/processes.json`), as with the Cloud Controller's router [cloud_controller_ng,
    config/routes.rb]. A path that is not text once it is decoded has no route.
    A segment that a client must percent-encode is compared as the text that it is.
    Where the contract has a path with the slash and one without, each is itself.

    Args:
        patterns: of every plan.
        plans: by operationId.

    Raises:
        ContractError: two operations have one route.
    """

    def __init__(self, patterns: Iterable[RoutePattern], plans: Mapping[str, Plan]) -> None:
        self._root = _Branch()
        self._patterns = tuple(patterns)
        self._plans = plans
        self._remembered: dict[tuple[str, str], Route | None] = {}
        self._remembered_queries: dict[tuple[str, bytes], QueryReading] = {}
        for pattern in sorted(self._patterns, key=lambda pattern: pattern.path.endswith("/")):
            branch = self._root
            for segment in pattern.segments:
                if segment is None:
                    branch.variable = branch.variable or _Branch()
                    branch = branch.variable
                elif "{" in segment:
                    encoded = not _PLAIN.fullmatch(_PARAMETER.sub("", segment))
                    branch = branch.mixed.setdefault(segment, (compile_mixed_segment(segment), _Branch(), encoded))[1]
                elif _PLAIN.fullmatch(segment):
                    branch = branch.fixed.setdefault(segment, _Branch())
                else:
                    branch = branch.encoded.setdefault(decode_template(segment, pattern.path), _Branch())
            first = branch.patterns.setdefault(pattern.method, pattern)
            if first is not pattern:
                second = branch.slashed.setdefault(pattern.method, pattern) if pattern.path.endswith("/") else first
                if second is not pattern:
                    routes = f"{pattern.method} {pattern.path} and {second.path}"
                    raise ContractError(f"{routes} are one route; keep one of them")

    def find(self, method: str, path: str) -> Route | None:
        """The route of a request; None where the contract has none.

        Args:
            method: upper case.
            path: as it came, percent-encoded, without query.
        """
        remembered = self._remembered
        key = (method, path)
        try:
            return remembered[key]
        except KeyError:
            route = self._find_route(method, path)
            if len(path) <= MAX_REMEMBERED_LENGTH:
                if len(remembered) >= MAX_REMEMBERED_PATHS:
                    remembered.clear()
                remembered[key] = route
            return route

    def read_query(self, plan: Plan, query_string: bytes) -> QueryReading:
        """The parameters of a query, and what is wrong with them.

        Args:
            plan: of this table.
            query_string: as it came.
        """
        remembered = self._remembered_queries
        key = (plan.operation, query_string)
        reading = remembered.get(key)
        if reading is None:
            parameters = read_query(query_string)
            reading = QueryReading(parameters, plan.query_violations(parameters))
            if len(query_string) <= MAX_REMEMBERED_LENGTH:
                if len(remembered) >= MAX_REMEMBERED_QUERIES:
                    remembered.clear()
                remembered[key] = reading
        return reading

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """What the paths are about, each once, in the contract's order: `processes` of `/v3/processes/{guid}`."""
        found: dict[str, None] = {}
        for each in self._patterns:
            named = [segment for segment in each.segments if segment is not None and not _VERSION.fullmatch(segment)]
            if named and not each.needs_naming:
                found[named[0]] = None
        return tuple(found)

    def list_methods(self, path: str) -> list[str]:
        """The methods that a path is served with, HEAD among them where GET is; empty if there is no such path."""
        methods = list(self._find_patterns(path))
        return [*methods, "HEAD"] if "GET" in methods else methods

    def find_other_plan(self, path: str) -> Plan | None:
        """A plan that a path is served with, by whatever method; None if there is no such path."""
        pattern = next(iter(self._find_patterns(path).values()), None)
        return None if pattern is None else self._plans[pattern.operation]

    def _find_patterns(self, path: str) -> Mapping[str, RoutePattern]:
        try:
            branch = self._walk(self._root, split_path(path), 0, [])
        except UnicodeDecodeError:
            return {}
        return {} if branch is None else branch.patterns

    def _find_route(self, method: str, path: str) -> Route | None:
        values: list[str] = []
        try:
            branch = self._walk(self._root, split_path(path), 0, values)
        except UnicodeDecodeError:
            return None
        if branch is None:
            return None
        patterns = branch.patterns
        if branch.slashed and path.endswith("/"):
            patterns = {**patterns, **branch.slashed}
        pattern = patterns.get(method) or (patterns.get("GET") if method == "HEAD" else None)
        if pattern is None:
            return None
        plan = self._plans[pattern.operation]
        parameters = dict(zip(plan.path_names, values, strict=True))
        return Route(plan, parameters, plan.path_violations(parameters))

    def _walk(self, branch: _Branch, segments: list[str], depth: int, values: list[str]) -> _Branch | None:
        if depth == len(segments):
            return branch if branch.patterns else None
        segment = segments[depth]
        fixed = branch.fixed.get(segment)
        if fixed is None and branch.encoded:
            fixed = branch.encoded.get(decode_segment(segment))
        if fixed is not None:
            found = self._walk(fixed, segments, depth + 1, values)
            if found is not None:
                return found
        for pattern, inside, encoded in branch.mixed.values():
            parts = pattern.fullmatch(decode_segment(segment) if encoded else segment)
            if parts is not None:
                values.extend(parts.groups() if encoded else map(decode_segment, parts.groups()))
                found = self._walk(inside, segments, depth + 1, values)
                if found is not None:
                    return found
                del values[-len(parts.groups()) :]
        if depth == len(segments) - 1 and "." in segment:
            fixed = branch.fixed.get(segment.rpartition(".")[0])
            if fixed is not None and fixed.patterns:
                return fixed
        if branch.variable is None:
            return None
        values.append(decode_segment(segment))
        found = self._walk(branch.variable, segments, depth + 1, values)
        if found is None:
            values.pop()
        return found


def decode_segment(segment: str) -> str:
    """A segment without its percent-encoding.

    Args:
        segment: as it came; a byte that is not ASCII is a character of latin-1.

    Raises:
        UnicodeDecodeError: it is not text.
    """
    if segment.isascii() and "%" not in segment:
        return segment
    return unquote_to_bytes(segment.encode("latin-1")).decode("utf-8")


# RFC 3986, section 3.3: what stands for itself in a path.
_PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]*")
_PARAMETER = re.compile(r"\{[^{}]*\}")


def decode_template(segment: str, path: str) -> str:
    """A segment of a contract's path without its percent-encoding.

    Raises:
        ContractError: it is not text.
    """
    try:
        return unquote_to_bytes(segment.encode()).decode("utf-8")
    except UnicodeError:
        raise ContractError(f"path {path}: {segment!r} is not UTF-8 once it is decoded; mend it") from None


def compile_mixed_segment(segment: str) -> re.Pattern[str]:
    """What matches a segment of text and parameters, as in `{base}...{head}`: a group for each parameter."""
    literals = _PARAMETER.split(decode_template(segment, segment))
    return re.compile("(.+?)".join(map(re.escape, literals)), re.DOTALL)


def split_path(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
