"""The journal: what happened in a foundation, and questions to it. Never imports the world or the scenarios."""
