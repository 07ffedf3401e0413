"""Torture: a command, run once for each failure that it can meet, and which of them break it. Answers no request.

with Server() as server:
    contract = load_contract(shipped.CONTRACT_FILE)
    report = torture_command(server, contract, TortureSettings(command=("python", "client.py", "{url}")))
assert not report.list_broken()
"""
