"""The journal: what happened in a foundation, and questions about it. Never imports the world or the scenarios."""
