"""The operations of organizations and of what they have: spaces, quotas, users, services. Never knows HTTP."""
