"""The operations of deployments: created, shown, listed, continued, canceled. Never moves one: the clock does."""
