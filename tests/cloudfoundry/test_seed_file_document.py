"""The form of a seed: what it declares is what the page says, what the world holds and what an export gives."""

import re
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from mockfoundry.client.in_process import InProcess
from mockfoundry.cloudfoundry.model import Allotment, App, Deployment, HealthCheck, InstanceRange, ProcessModel, Sidecar
from mockfoundry.cloudfoundry.organizations import Organization, Quota, Space
from mockfoundry.cloudfoundry.seeds.app_forms import APP, DEPLOYMENT, SIDECAR
from mockfoundry.cloudfoundry.seeds.export import export_snapshot, export_world
from mockfoundry.cloudfoundry.seeds.format import SEED, begin_seed_reading
from mockfoundry.cloudfoundry.seeds.keys import NAME
from mockfoundry.cloudfoundry.seeds.organization_forms import ORGANIZATION, SPACE
from mockfoundry.cloudfoundry.seeds.platform_builds import apply_fields
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.read import build_default_world, read_seed, world_from_seed
from mockfoundry.cloudfoundry.seeds.settings_forms import SETTINGS
from mockfoundry.cloudfoundry.seeds.snapshot import (
    ALLOTMENT,
    INSTANCE_RANGE,
    PAST_DEPLOYMENT,
    PROGRESS,
    SNAPSHOT_KEYS,
)
from mockfoundry.cloudfoundry.settings import Settings
from mockfoundry.documents.declare import Form, FormKey
from tests.cloudfoundry.test_seed_files import BORN, FULL
from tests.seed_page import FORMS, SEED_PAGE, render_seed_page

PAGE = SEED_PAGE.read_text(encoding="utf-8")

COMPUTED = {"app": "the entity around it"}
"""What a process has beside its declared fields, and where it comes from."""


def attributes_of(form: Form) -> set[str]:
    """The attributes that a form's keys stand for, those of flat forms included."""
    keys: set[str] = set()
    for key in form.keys:
        keys |= attributes_of(key.form) if key.role == "flat" else {key.attribute}
    return keys


def test_every_table_of_the_page_is_up_to_date() -> None:
    assert render_seed_page() == PAGE, "write it anew with `make documents`"


@pytest.mark.parametrize("noun", sorted(set(FORMS) - {"the list of feature flags", "a readiness health check"}))
def test_every_form_has_its_table(noun: str) -> None:
    assert f"<!-- keys of {noun} -->" in PAGE or noun == "a readiness health check's data"


def test_the_example_can_be_read() -> None:
    (example,) = re.findall(r"```yaml\n(settings:.*?)```", PAGE, re.DOTALL)
    assert read_seed(example, "seed-file.md").fields["organizations"]


def test_the_scenario_of_the_page_begins_and_continues_a_canary(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(scenario:.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "canary.yaml"
    file.write_text(text)

    with InProcess() as server:
        foundation = server.foundation()
        foundation.clock.freeze()
        foundation.play(file)
        reasons = []
        for advance in ("0s", "59s", "1s", "10s"):
            foundation.clock.advance(advance)
            deployment = foundation.state()["organizations"][0]["spaces"][0]["apps"][0]["deployment"]
            reasons.append(deployment and (deployment["guid"], deployment["reason"]))

    assert reasons == [("my-canary", "DEPLOYING"), ("my-canary", "PAUSED"), ("my-canary", "DEPLOYING"), None]


def test_every_field_of_a_process_is_declared_or_computed() -> None:
    declared = attributes_of(PROCESS) - {"instance_states", "past_versions"}
    assert set(ProcessModel.__struct_fields__) == declared | set(COMPUTED)


HELD = {
    "organization": (ORGANIZATION, Organization),
    "space": (SPACE, Space),
    "app": (APP, App),
    "sidecar": (SIDECAR, Sidecar),
    "process": (PROCESS, ProcessModel),
    "settings": (SETTINGS, Settings),
    "quota": (FORMS["a quota"], Quota),
    "health check": (FORMS["a health check"], HealthCheck),
    "readiness check": (FORMS["a readiness health check"], HealthCheck),
}


@pytest.mark.parametrize("row", HELD)
def test_what_is_declared_has_an_attribute_that_holds_it(row: str) -> None:
    form, entity = HELD[row]
    parts = {key.attribute for key in form.keys if key.role == "part"}
    assert attributes_of(form) - parts <= set(entity.__struct_fields__)


def test_an_export_has_every_declared_key_of_a_process() -> None:
    world = build_default_world(random_seed=1, began_at=BORN)
    keys = [key.name for key in PROCESS.keys]
    for exported, expected in (
        (export_snapshot(world, BORN), keys),
        (export_world(world), [name for name in keys if name not in SNAPSHOT_KEYS]),
    ):
        process = exported["organizations"][0]["spaces"][0]["apps"][0]["processes"][0]
        assert list(process) == expected


@pytest.mark.parametrize(
    ("declared", "held"),
    [
        (attributes_of(INSTANCE_RANGE), InstanceRange),
        (attributes_of(ALLOTMENT), Allotment),
        (
            attributes_of(PROGRESS)
            | attributes_of(DEPLOYMENT) - {"status", "reason", "progress"}
            | {"app", "superseded"},
            Deployment,
        ),
        (attributes_of(PAST_DEPLOYMENT), Deployment),
    ],
)
def test_an_export_has_everything_that_the_clock_needs(declared: set[str], held: type[msgspec.Struct]) -> None:
    assert set(held.__struct_fields__) == declared


def test_an_export_and_a_seed_fit_the_schema() -> None:
    accepts = jsonschema_rs.Draft202012Validator(SEED.schema()).is_valid
    world = world_from_seed(read_seed(FULL, "full.yaml"), random_seed=7, began_at=BORN)
    for exported in (export_world(world), export_snapshot(world, BORN)):
        assert accepts(msgspec.json.decode(msgspec.json.encode(exported)))
    assert not accepts({"organizations": [{"name": 5}]})


@pytest.mark.parametrize("key", SETTINGS.keys, ids=lambda key: key.name)
def test_a_setting_has_the_default_that_the_page_names(key: FormKey) -> None:
    default = getattr(Settings(), key.attribute)
    told = (
        ", ".join(default) if isinstance(default, tuple) else f"{default:g}" if isinstance(default, float) else default
    )
    assert key.default == ("null" if told is None else str(told))


class NicknamedProcess(ProcessModel, frozen=True, kw_only=True):
    """A process with one more field."""

    nickname: str = "none"


def test_one_more_plain_field_is_one_line_of_the_form() -> None:
    """Declared, and held by the model, it is read, built, changed by `given:`, exported and shown in the schema."""
    form = Form(PROCESS.noun, (*PROCESS.keys, FormKey("nickname", NAME, "What people call it.", "none")))
    process = next(iter(build_default_world(random_seed=1, began_at=BORN).processes.values()))
    nicknamed = NicknamedProcess(**{name: getattr(process, name) for name in process.__struct_fields__})
    assert form.write(nicknamed, instance_states={}, past_versions=[])["nickname"] == "none"

    fields = form.read({"type": "web", "nickname": "dolly"}, (), begin_seed_reading())
    changed = apply_fields(form, nicknamed, fields)
    assert form.write(changed, instance_states={}, past_versions=[])["nickname"] == "dolly"
    assert form.schema()["properties"]["nickname"]["description"] == "What people call it."

    reading = begin_seed_reading()
    form.read({"type": "web", "nickname": 5}, (), reading)
    assert [finding.path for finding in reading.findings] == [("nickname",)]
