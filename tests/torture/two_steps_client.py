"""A client that scales up for its work and down after it, and gives up at the first error: the work's size stays.

`python two_steps_client.py` runs it, with the API's address in MOCKFOUNDRY_URL.
"""

import json
import os
from urllib.request import Request, urlopen

SCALE = "/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82/actions/scale"

HEADERS = {"Authorization": "bearer admin", "Content-Type": "application/json"}

for instances in (5, 2):
    body = json.dumps({"instances": instances}).encode()
    urlopen(Request(os.environ["MOCKFOUNDRY_URL"] + SCALE, body, HEADERS)).close()
