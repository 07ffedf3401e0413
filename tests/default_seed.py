"""What the default seed begins with, for those that only ask a server: needs nothing of mockfoundry."""

WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"
"""The guid of the web process."""

ADMIN = {"Authorization": "bearer admin"}
