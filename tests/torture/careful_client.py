"""A client that asks for an absolute number of instances, and after an error looks again before it repeats.

`python careful_client.py ATTEMPTS` runs it, with the API's address in MOCKFOUNDRY_URL.
"""

import json
import os
import sys
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

PROCESS = "/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82"
INSTANCES = 3


def asked(path: str, body: Any = None) -> Any:
    """The JSON of an answer."""
    headers = {"Authorization": f"bearer {os.environ['MOCKFOUNDRY_TOKEN']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(os.environ["MOCKFOUNDRY_URL"] + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def main(attempts: int) -> int:
    """The command: 0 where the process has the instances that it shall have."""
    for _ in range(attempts):
        try:
            if asked(PROCESS)["instances"] == INSTANCES:
                return 0
            asked(f"{PROCESS}/actions/scale", {"instances": INSTANCES})
        except (OSError, HTTPException, ValueError) as error:
            sys.stderr.write(f"again, after {error}\n")
            continue
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
