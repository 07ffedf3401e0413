"""A foundation whose apps have routes, droplets, packages, revisions and tasks of their own, beside some without."""

from copy import deepcopy
from typing import Any

from tests.cloudfoundry.asking import SEED

PLAIN, RICH, BARE, FAR = "idle", "dora", "bare", "far-app"
"""An app that says little of its parts, one that names many, one without a droplet, one in another organization."""

T1, T2, T3 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"


def stamped(guid: str, moment: str, **fields: Any) -> dict[str, Any]:
    return {"guid": guid, "created_at": moment, "updated_at": moment, **fields}


def labels() -> dict[str, Any]:
    """A value of its own for each use: YAML would write a second use as a reference."""
    return {"labels": {"env": "prod"}, "annotations": {"note": "x"}}


def parts_seed() -> dict[str, Any]:
    seed = deepcopy(SEED)
    acme, other = seed["organizations"]
    dev = acme["spaces"][0]
    rich, plain = dev["apps"]
    plain["droplet"] = stamped("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", T1)
    rich["droplet"] |= stamped(
        "current",
        T3,
        package="bits",
        stack="cflinuxfs3",
        buildpacks=["go_buildpack", {"name": "nodejs_buildpack", "detect_output": "nodejs", "version": "1.8"}],
        metadata=labels(),
    )
    rich["droplets"] = [
        stamped("older", T1, process_types={"web": "old", "cron": "tick"}),
        stamped("failed", T2, state="FAILED", error="StagingError - no buildpack"),
        stamped("staging", T2, state="STAGING"),
        stamped("uploaded", T2, state="AWAITING_UPLOAD"),
    ]
    rich["packages"] = [
        stamped("bits", T1, metadata=labels()),
        stamped("waiting", T2, state="AWAITING_UPLOAD"),
        stamped("image", T3, type="docker", image="nginx", username="bob"),
    ]
    rich["revision"] = "second"
    rich["revisions"] = [
        stamped(
            "first",
            T1,
            droplet="older",
            processes={"web": "old", "cron": None},
            environment_variables={"SECRET": "x"},
            metadata=labels(),
        ),
        stamped("second", T2, description="New droplet deployed."),
        stamped("broken", T3, droplet="failed"),
    ]
    rich["sidecars"] = [{"name": "proxy", "process_types": ["web"], "memory_in_mb": 16, "command": "./proxy"}]
    rich["tasks"] = [
        stamped("done", T1, name="migrate", state="SUCCEEDED", command="rake", metadata=labels()),
        stamped("lost", T2, name="seed", state="FAILED", failure_reason="exit 1", user="root", droplet="older"),
        {"guid": "running", "name": "run", "seconds": "10s", "memory_in_mb": 32},
        {"guid": "leaving", "name": "run", "state": "CANCELING", "seconds": "1s"},
    ]
    rich["routes"] = [
        stamped("route-dora", T1, metadata=labels()),
        stamped("route-shared", T2, host="shared", path="/api", options={"loadbalancing": "least-connection"}),
        stamped("route-tcp", T3, domain="tcp.example.com", port=1024, protocol="tcp", app_port=9000, weight=5),
    ]
    plain["routes"] = [{"guid": "route-shared", "host": "shared", "path": "/api", "process_type": "worker"}]
    dev["apps"].append({"name": "bare", "guid": BARE, "droplet": None, "revision": None, "state": "STOPPED"})
    dev["routes"] = [stamped("route-unmapped", T3, domain="private.example.com")]
    far = other["spaces"][0]
    far["apps"] = [
        {
            "name": "far",
            "guid": FAR,
            "lifecycle": "docker",
            "droplet": {"guid": "far-droplet"},
            "routes": [{"guid": "route-far", "host": "far"}],
            "tasks": [{"guid": "far-task", "name": "far"}],
        }
    ]
    return seed
