"""Torture: a command run once for each failure that it can meet, and which of them break it. Never answers a request.

with Server() as server:
    report = tortured(server, load_contract(shipped.CONTRACT), Asked(command=("python", "client.py", "{url}")))
assert not report.broken()
"""
