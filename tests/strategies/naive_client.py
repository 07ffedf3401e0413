"""A client with a mistake that is often made: it adds one instance to what it reads, and does so again after an error.

Where only the answer was lost, the second time adds a second instance.
"""

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
