"""docs/seed-file.md: its tables, made from the form that reads a seed."""

import re
from collections.abc import Iterator
from pathlib import Path

from mockfoundry.cloudfoundry.seeds import (
    app_forms,
    keys,
    organization_forms,
    part_forms,
    process_forms,
    settings_forms,
    snapshot,
    user_forms,
)
from mockfoundry.cloudfoundry.seeds import format as seed_format
from mockfoundry.cloudfoundry.seeds.process_forms import PAST_VERSION
from mockfoundry.documents.declare import Form, render_cell

SEED_PAGE = Path(__file__).parent.parent / "docs" / "seed-file.md"

MODULES = (
    seed_format,
    app_forms,
    keys,
    organization_forms,
    part_forms,
    process_forms,
    settings_forms,
    snapshot,
    user_forms,
)
FORMS = {each.noun: each for module in MODULES for each in vars(module).values() if isinstance(each, Form)}

_TABLE = re.compile(r"(<!-- keys of (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def render_seed_page() -> str:
    """The page with every table written anew."""
    text = SEED_PAGE.read_text(encoding="utf-8")
    return _TABLE.sub(lambda found: found.group(1) + "\n".join(table_of(found.group(2))) + "\n" + found.group(3), text)


def table_of(noun: str) -> Iterator[str]:
    yield from ("| key | default | what it is |", "|---|---|---|")
    keys = FORMS[noun].keys[:1] if noun == PAST_VERSION.noun else FORMS[noun].keys
    for key in keys:
        default = "required" if key.required else key.default
        yield f"| `{key.name}` | {render_cell(default)} | {render_cell(key.about)} |"
