"""docs/not-modelled.md: what of the platform this world does not have, as X-Mock-Why tells it. Decides nothing."""

import re
from pathlib import Path

from mockfoundry.cloudfoundry.not_modelled import NOT_MODELLED, describe_not_modelled

NOT_MODELLED_PAGE = Path(__file__).parents[1] / "docs" / "not-modelled.md"

_HEAD = """\
# What is modelled, and what is not

What a client finds here of Cloud Foundry, and what to do about the rest.

Modelled are the processes, with the rules, the words and the order of refusals of the real Cloud Controller
([Fidelity](fidelity.md) has each fact and its source), and what stands around them: the log-in of UAA, organizations,
spaces, apps, deployments, revisions, droplets, tasks, routes, quotas, roles, services and audit events as far as
clients read them. `mockfoundry operations` lists every operation that is served. Instances start, run, crash and stop
by the foundation's clock; no code runs in them.

A request for what is not modelled gets the Cloud Controller's 404 `Unknown request`, and `X-Mock-Why` says one of the
following. The page is made from these texts by `make documents`.

| paths | what is not modelled, and what to do |
|---|---|
"""


def render_not_modelled() -> str:
    """The whole page."""
    rows = [f"| {render_paths(pattern)} | {text} |\n" for pattern, text in NOT_MODELLED]
    return _HEAD + "".join(rows)


def render_paths(pattern: str) -> str:
    """The beginnings of paths that a pattern stands for."""
    if "(" not in pattern:
        return ", ".join(f"`{path}`" for path in pattern.split("|"))
    paths = [""]
    for part in re.split(r"(\([^()]*\))", pattern.replace("[^/]+", "…")):
        choices = part[1:-1].split("|") if part.startswith("(") else [part]
        paths = [path + choice for path in paths for choice in choices]
    assert all(describe_not_modelled(path) for path in paths if not {"…", "["} & {*path}), pattern
    return ", ".join(f"`{path.replace('[a-z_]+', '…')}`" for path in paths)
