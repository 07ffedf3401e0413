"""The console: the mock in a browser."""
