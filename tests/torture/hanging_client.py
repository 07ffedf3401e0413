"""A client that after an error starts a program that never ends, and waits for it.

`python hanging_client.py PORT` runs it; what it starts holds a connection to that port for as long as it lives, and
tells there at which address the API was.
"""

import os
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROCESS = "/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82"
NEVER_ENDING = (
    "import os, signal, socket, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
    "connection.sendall(os.environ['MOCKFOUNDRY_URL'].encode() + b'\\n')\n"
    "connection.recv(1)\n"
)

try:
    urlopen(Request(os.environ["MOCKFOUNDRY_URL"] + PROCESS, headers={"Authorization": "bearer admin"})).close()
except HTTPError:
    subprocess.run([sys.executable, "-c", NEVER_ENDING, sys.argv[1]], check=True)
