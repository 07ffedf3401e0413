"""Torture: a command run once for each failure that it can meet, and which of them break it. Never answers a request.

with Server() as server:
    report = tortured(server, load_contract(shipped.CONTRACT), Asked(command=("python", "client.py", "{url}")))
assert not report.broken()
"""

from mockfoundry.torture.asked import Asked, TortureError
from mockfoundry.torture.bench import LEAVE_ALONE, SWITCHED_OFF
from mockfoundry.torture.judging import Finding, Left, Outcome
from mockfoundry.torture.torturing import Progress, Report, tortured
from mockfoundry.torture.trials import Trial

__all__ = [
    "LEAVE_ALONE",
    "SWITCHED_OFF",
    "Asked",
    "Finding",
    "Left",
    "Outcome",
    "Progress",
    "Report",
    "TortureError",
    "Trial",
    "tortured",
]
