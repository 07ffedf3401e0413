"""A client that starts a program in a session of its own, which goes on after it and has its outputs open.

`python escaping_client.py PORT` runs it; what it starts lives for as long as its connection to that port.
"""

import os
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROCESS = "/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82"
ESCAPED = (
    "import socket, sys\n"
    "connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
    "print('there', flush=True)\n"
    "connection.recv(1)\n"
)

escaped = subprocess.Popen(
    [sys.executable, "-c", ESCAPED, sys.argv[1]], stdout=subprocess.PIPE, stderr=None, start_new_session=True
)
assert escaped.stdout is not None
escaped.stdout.readline()
try:
    urlopen(Request(os.environ["MOCKFOUNDRY_URL"] + PROCESS, headers={"Authorization": "bearer admin"})).close()
except HTTPError:
    sys.exit("no answer that it could use")
