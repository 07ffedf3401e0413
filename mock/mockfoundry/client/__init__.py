"""The Python client: servers, foundations and what a test asks of them, as values. Never decides what is answered."""
