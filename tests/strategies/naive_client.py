"""A client with a mistake that is often made: it adds one instance to what it reads, and does so again after an error.

Where only the answer was lost, the second time adds a second instance. `python naive_client.py URL [GUID]` runs it.
"""

import sys

import httpx

WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"


def add_one_instance(client: httpx.Client, guid: str = WEB, attempts: int = 9) -> bool:
    """Adds an instance to a process, and says whether it believes that it did."""
    process = f"/v3/processes/{guid}"
    for _ in range(attempts):
        try:
            instances = client.get(process).raise_for_status().json()["instances"]
            client.post(f"{process}/actions/scale", json={"instances": instances + 1}).raise_for_status()
        except httpx.HTTPError:
            continue
        return True
    return False


def main(url: str, guid: str = WEB) -> int:
    """The command: 0 where it believes that the instance was added."""
    bearer = {"Authorization": "bearer admin"}
    # It is started for each failure, and where it asks there is no TLS.
    with httpx.Client(base_url=url, headers=bearer, timeout=30, verify=False) as client:  # noqa: S501
        return 0 if add_one_instance(client, guid) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
