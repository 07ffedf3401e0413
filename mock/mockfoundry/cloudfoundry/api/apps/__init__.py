"""The operations of apps: shown, listed, written, started, stopped, deleted, with what is theirs. Never knows HTTP."""
