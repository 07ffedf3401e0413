"""Seed files: what they may hold, what is said of bad ones, and that a world can be written out and read again."""

import sys
from typing import Any

import msgspec
import pytest
import yaml

from mockfoundry.cloudfoundry.seeds.export import export_world
from mockfoundry.cloudfoundry.seeds.read import build_default_world, read_seed, world_from_seed
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import SEED
from tests.serving import Serving

BORN = 1_764_000_000_123_456


FAULTY: dict[str, tuple[str, list[str]]] = {
    "a list": (
        "[]",
        [
            "1:1: the seed is an empty list; it must be a mapping of "
            "settings, feature_flags, default_quota, isolation_segments, "
            "security_groups, service_offerings, organizations, users, "
            "clients"
        ],
    ),
    "an unknown key": ("setings: {}", ['1:1: "setings" is not a key of a seed; did you mean settings?']),
    "an unknown setting": (
        "settings: {start_secs: 1}",
        ['1:12: "start_secs" is not a key of settings; did you mean start_seconds?'],
    ),
    "an unknown feature flag": (
        "feature_flags: {app_scalling: true}",
        ['1:17: "app_scalling" is not a key of the list of feature flags; did you mean app_scaling?'],
    ),
    "a word that is not allowed": (
        "settings: {platform: gone}",
        ['1:12: platform is "gone"; it must be available or unavailable'],
    ),
    "a negative duration": (
        "settings: {start_seconds: -1}",
        [
            "1:12: start_seconds is -1; it must be a number of seconds "
            "or a duration such as 250ms, 1.5s or 2m, up to a year"
        ],
    ),
    "an organization without a name": (
        "organizations: [{suspended: true}]",
        ["1:17: an organization needs the key name (its name; unique)"],
    ),
    "a flag that is a word": (
        "organizations:\n  - name: a\n    suspended: maybe",
        ['3:5: suspended is "maybe"; it must be true or false'],
    ),
    "the name for each one": (
        'organizations: [{name: "*"}]',
        ['1:18: "*" stands for each one in `given:`; a seed names its organization'],
    ),
    "two organizations of a name": (
        "organizations: [{name: a}, {name: a}]",
        ['1:29: there is a second organization "a"; each name is there once'],
    ),
    "two processes of a type": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web}, {type: web}]}]}]}]",
        ['1:89: there is a second process "web"; each type is there once'],
    ),
    "a guid that is taken": (
        "organizations: [{name: a, guid: g, spaces: [{name: b, guid: g}]}]",
        ['1:55: the guid "g" is taken; each is there once'],
    ),
    "a process with the guid of another": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, guid: g, processes: [{type: web}, "
        "{type: x, guid: g}]}]}]}]",
        ['1:107: the guid "g" is taken; each is there once'],
    ),
    "the guid of the segment that is always there": (
        "isolation_segments: [{name: foo, guid: 933b4c58-120b-499a-b85d-4b6fc9e2903b}]",
        ['1:34: the guid "933b4c58-120b-499a-b85d-4b6fc9e2903b" is taken; each is there once'],
    ),
    "negative instances": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web, instances: -1}]}]}]}]",
        ["1:87: instances is -1; it must be a whole number from 0 to 2147483647"],
    ),
    "a state of an instance that there is not": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web, instances: 2, "
        "instance_states: {2: CRASHED}}]}]}]}]",
        ["1:119: there is no instance 2; the process has 2, counted from 0"],
    ),
    "an unknown state": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web, "
        "instance_states: {0: BROKEN}}]}]}]}]",
        ['1:105: the state of an instance is "BROKEN"; it must be RUNNING, STARTING, CRASHED or DOWN'],
    ),
    "a sidecar beside nothing": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, sidecars: [{name: s}]}]}]}]",
        ["1:74: a sidecar needs `process_types:`"],
    ),
    "an environment variable that the real one does not take": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, environment_variables: {vcap_x: z}}]}]}]",
        ['1:87: "vcap_x" can\'t be the name of an environment variable: cannot start with VCAP_'],
    ),
    "a deployment without a web process": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: x}], deployment: {}}]}]}]",
        ["1:87: only the web process is deployed, and this app has none"],
    ),
    "a role in an unknown organization": (
        "organizations: [{name: acme}]\nusers: [{name: u, organizations: {akme: [organization_user]}}]",
        ['2:35: there is no organization "akme"; did you mean acme?'],
    ),
    "a role in an unknown space": (
        "users: [{name: u, spaces: {a/b: [space_developer]}}]",
        ['1:28: there is no space "a/b"'],
    ),
    "an unknown role": (
        "organizations: [{name: a}]\nusers: [{name: u, organizations: {a: [boss]}}]",
        [
            '2:39: a role in an organization is "boss"; it must be '
            "organization_user, organization_auditor, "
            "organization_manager or organization_billing_manager"
        ],
    ),
    "an unknown scope": (
        "users: [{name: u, scopes: [cloud_controller.amdin]}]",
        [
            '1:28: scopes is "cloud_controller.amdin"; it must be '
            "cloud_controller.admin, cloud_controller.admin_read_only, "
            "cloud_controller.global_auditor, cloud_controller.read or "
            "cloud_controller.write; did you mean cloud_controller.admin?"
        ],
    ),
    "a bad timestamp": (
        "organizations: [{name: a, created_at: yesterday}]",
        ['1:27: created_at is "yesterday"; it must be a timestamp such as 2016-03-23T18:48:22Z'],
    ),
    "a day that there is not": (
        'organizations: [{name: a, created_at: "2016-02-30T00:00:00Z"}]',
        ['1:27: created_at is "2016-02-30T00:00:00Z"; it must be a day and time that there are'],
    ),
    "a bad guid": (
        "organizations: [{name: a, guid: a/b}]",
        ["1:27: guid is \"a/b\"; it must be 1 to 255 letters, digits, '-' or '_'"],
    ),
    "a label that the real one does not take": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web, "
        "metadata: {labels: {a b: c}}}]}]}]}]",
        ["1:107: \"a b\" can't be the key of a label: 'a b' contains invalid characters"],
    ),
    "an HTTP health check without an endpoint": (
        "organizations: [{name: a, spaces: [{name: b, apps: [{name: c, processes: [{type: web, "
        "health_check: {type: http}}]}]}]}]",
        ["1:87: a check of type http needs an endpoint in its data, such as /health"],
    ),
    "a plan that nobody offers": (
        "service_offerings: [{name: sql, plans: [{name: small}]}]\n"
        "organizations: [{name: a, spaces: [{name: b, service_instances: [{name: c, plan: sql/smal}]}]}]",
        ['2:76: there is no service plan "sql/smal"; did you mean sql/small?'],
    ),
    "a security group in a space that is not there": (
        "security_groups: [{name: dns, running_spaces: [a/c]}]\norganizations: [{name: a, spaces: [{name: b}]}]",
        ['1:48: there is no space "a/c"; did you mean a/b?'],
    ),
    "a quota and an isolation segment with one guid": (
        "isolation_segments: [{name: fast, guid: x}]\norganizations: [{name: a, quota: {guid: x}}]",
        ['2:35: the guid "x" is taken; each is there once'],
    ),
    "two plans and two services of one name": (
        "service_offerings: [{name: sql, plans: [{name: s}, {name: s}]}]\n"
        "organizations: [{name: a, spaces: [{name: b, service_instances: [{name: c}, {name: c}]}]}]",
        [
            '1:53: there is a second service plan "s"; each name is there once',
            '2:78: there is a second service instance "c"; each name is there once',
        ],
    ),
    "faults of several kinds at once": (
        "settings: {platfrom: 1}\norganizations: [{name: 5}, {name: a}, {name: a}]",
        [
            '1:12: "platfrom" is not a key of settings; did you mean platform?',
            '2:18: name is 5; it must be text of 1 to 255 signs, "5" in quotes',
            '2:40: there is a second organization "a"; each name is there once',
        ],
    ),
}
"""A seed file's text, and the lines that say what is wrong."""


@pytest.mark.parametrize("row", FAULTY)
def test_a_bad_seed_is_refused_with_its_place_and_its_mend(row: str) -> None:
    text, lines = FAULTY[row]
    with pytest.raises(DocumentError) as caught:
        read_seed(text, "seed.yaml")
    assert str(caught.value).splitlines() == [f"seed.yaml:{line}" for line in lines]


FULL = """
settings: {start_seconds: 1.5, stop_seconds: 0, deployment_seconds: 1m, rate_limit: {requests: 5}, stale_seconds: 2}
feature_flags: {app_scaling: {enabled: false, error_message: no scaling today}, diego_docker: true}
organizations:
  - name: acme
    suspended: true
    quota: {total_instances: 5}
    spaces:
      - name: dev
        quota: {log_rate_limit_in_bytes_per_second: 100}
        isolation_segment: shared
        apps:
          - name: dora
            deployment: {strategy: rolling, status: ACTIVE}
            droplet: {process_types: {web: rackup}}
            sidecars: [{name: proxy, process_types: [web], memory_in_mb: 32}]
            processes:
              - type: web
                instances: 2
                instance_states: {0: CRASHED, 1: {state: DOWN, details: no room}}
              - type: worker
                crash_after: 5s
                command: ""
                health_check: {type: http, data: {endpoint: /x, timeout: 5}}
                created_at: "2016-03-23T18:48:22.5Z"
                registry_credential: c
                registry_credential_last_synced_at: "2016-03-23T18:48:22Z"
              - {type: clock, instances: 3, load: {total_cpu: 0.9}, metadata: {labels: {a: b}, annotations: {c: d}}}
              - type: swing
                instances: 3
                starts: false
                load: {sine: {mean: 1, amplitude: 0.5, period: 10m}, overload: {crash_above: 2}}
          - {name: idle, state: STOPPED, droplet: null, revision: null, lifecycle: docker}
  - name: empty
users:
  - {name: alice, organizations: {acme: [organization_user]}, spaces: {acme/dev: [space_developer]}}
  - {name: audrey, scopes: [cloud_controller.global_auditor]}
"""
"""A seed with every key."""


def test_a_world_that_is_written_out_and_read_again_is_the_same() -> None:
    world = world_from_seed(read_seed(FULL, "full.yaml"), random_seed=7, began_at=BORN)
    written = yaml.safe_dump(export_world(world), sort_keys=False)
    assert world_from_seed(read_seed(written, "written.yaml"), random_seed=7, began_at=BORN) == world


def test_a_world_is_a_value_that_json_can_hold() -> None:
    world = world_from_seed(read_seed(FULL, "full.yaml"), random_seed=7, began_at=BORN)
    assert msgspec.json.decode(msgspec.json.encode(world), type=World) == world


def test_one_random_seed_gives_one_world() -> None:
    seed = read_seed(FULL, "full.yaml")
    assert world_from_seed(seed, random_seed=7, began_at=BORN) == world_from_seed(seed, random_seed=7, began_at=BORN)
    other = world_from_seed(seed, random_seed=8, began_at=BORN)
    assert not set(other.apps) & set(world_from_seed(seed, random_seed=7, began_at=BORN).apps)


def test_json_is_read_as_yaml_is() -> None:
    text = msgspec.json.encode(SEED).decode()
    assert read_seed(text, "seed.json").fields == read_seed(yaml.safe_dump(SEED), "seed.yaml").fields


def test_the_default_seed_has_one_web_instance_with_room_to_scale(server: Serving) -> None:
    listed = server.client.get("/v3/processes").json()["resources"]
    assert [(each["type"], each["instances"], each["memory_in_mb"]) for each in listed] == [
        ("web", 1, 256),
        ("worker", 0, 256),
    ]
    assert server.scale({"instances": 40}).status_code == 202
    assert server.scale({"instances": 41}).status_code == 422


def test_a_process_has_the_real_defaults(serve: Any) -> None:
    app: dict[str, Any] = {"name": "c", "guid": "app", "processes": [{"type": "web"}, {"type": "worker"}]}
    server: Serving = serve(seed={"organizations": [{"name": "a", "spaces": [{"name": "b", "apps": [app]}]}]})
    web, worker = server.client.get("/v3/processes").json()["resources"]
    assert (web["guid"], web["instances"], web["memory_in_mb"], web["disk_in_mb"]) == ("app", 1, 1024, 1024)
    assert (web["health_check"]["type"], web["readiness_health_check"]["type"]) == ("port", "process")
    assert (worker["instances"], worker["health_check"]["type"], worker["user"]) == (0, "process", "vcap")
    assert worker["guid"] != web["guid"]
    assert server.client.get("/v3/processes/app").json()["command"] == ""


def test_a_docker_app_runs_as_root(serve: Any) -> None:
    app = {"name": "c", "guid": "app", "lifecycle": "docker"}
    server: Serving = serve(seed={"organizations": [{"name": "a", "spaces": [{"name": "b", "apps": [app]}]}]})
    assert server.client.get("/v3/processes/app").json()["user"] == "root"


def test_a_registry_credential_is_shown_where_a_process_has_one(serve: Any) -> None:
    process = {
        "type": "web",
        "registry_credential": "c",
        "registry_credential_last_synced_at": "2016-03-23T18:48:22Z",
    }
    app = {"name": "c", "guid": "app", "processes": [process]}
    server: Serving = serve(seed={"organizations": [{"name": "a", "spaces": [{"name": "b", "apps": [app]}]}]})
    shown = server.client.get("/v3/processes/app").json()
    assert shown["registry_credential_last_synced_at"] == "2016-03-23T18:48:22Z"
    assert shown["relationships"]["registry_credential"] == {"data": {"guid": "c"}}
    assert shown["links"]["registry_credential"]["href"].endswith("/v3/registry_credentials/c")


def test_a_copied_world_shares_what_neither_has_changed() -> None:
    world = build_default_world(random_seed=1, began_at=BORN)
    copied = world.copy()
    process = next(iter(world.processes.values()))
    copied.put_process(msgspec.structs.replace(process, instances=3), BORN)
    assert world.processes[process.guid].instances == 1
    assert copied.processes[process.guid].instances == 3
    assert copied.apps is world.apps
    world.put_process(msgspec.structs.replace(process, instances=5), BORN)
    assert copied.processes[process.guid].instances == 3
    assert copied.usage != world.usage


def test_a_copy_that_nobody_writes_to_is_small() -> None:
    world = build_default_world(random_seed=1, began_at=BORN)
    copied = world.copy()
    own = [copied, copied.clock, copied.generator]
    assert sum(sys.getsizeof(each) for each in own) < 3_000
    assert all(getattr(copied, table) is getattr(world, table) for table in copied.shared_tables)
