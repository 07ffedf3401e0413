"""The processes API: one plain function an operation, its messages and presenters. Never knows HTTP."""
