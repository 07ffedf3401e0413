"""A small foundation that answers as Korifi and older Cloud Controllers do, for recordings of something else.

Source: korifi, api/handlers/process.go (a scale is answered 200), api/presenter/process.go (no version, user, log rate
and readiness check), api/presenter/process_stats.go (no routable, log rate and addresses; an empty usage).
"""

import json
from typing import Any

import httpx

API = "https://api.korifi.example.org"
PROCESS = "cf-proc-11111111-2222-4333-8444-555555555555-web"
APP = "11111111-2222-4333-8444-555555555555"
SPACE = "66666666-7777-4888-8999-aaaaaaaaaaaa"


def present_process(instances: int) -> dict[str, Any]:
    own = f"{API}/v3/processes/{PROCESS}"
    return {
        "guid": PROCESS,
        "type": "web",
        "command": "rackup",
        "instances": instances,
        "memory_in_mb": 256,
        "disk_in_mb": 1024,
        "health_check": {"type": "port", "data": {"timeout": None, "invocation_timeout": None}},
        "relationships": {"app": {"data": {"guid": APP}}},
        "metadata": {"labels": {}, "annotations": {}},
        "created_at": "2026-11-27T10:00:00Z",
        "updated_at": "2026-11-27T10:00:00Z",
        "links": {
            "self": {"href": own},
            "scale": {"href": f"{own}/actions/scale", "method": "POST"},
            "app": {"href": f"{API}/v3/apps/{APP}"},
            "space": {"href": f"{API}/v3/spaces/{SPACE}"},
            "stats": {"href": f"{own}/stats"},
        },
    }


STATS = {
    "resources": [
        {
            "type": "web",
            "index": 0,
            "state": "RUNNING",
            "usage": {},
            "host": None,
            "instance_ports": [],
            "uptime": None,
            "mem_quota": None,
            "disk_quota": None,
            "fds_quota": None,
            "isolation_segment": None,
            "details": None,
        }
    ]
}


def answer_like_korifi(request: httpx.Request) -> httpx.Response:
    """Knows one process."""
    path = request.url.path
    if path == "/":
        return httpx.Response(200, json={"links": {"self": {"href": API}, "uaa": None}, "cf_on_k8s": True})
    if path.endswith("/actions/scale"):
        return httpx.Response(200, json=present_process(json.loads(request.content)["instances"]))
    if path.endswith("/stats"):
        return httpx.Response(200, json=STATS)
    return httpx.Response(200, json=present_process(1))
