"""The doors for requests: the uvicorn protocol, the ASGI app, their limits. Never knows what a process is."""
