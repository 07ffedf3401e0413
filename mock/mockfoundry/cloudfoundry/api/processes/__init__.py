"""The operations of processes: shown, listed, scaled, updated, and what instances use. Never knows HTTP."""
