"""The world of a foundation: Cloud Foundry's entities, rules and words. Never knows HTTP, connexion or scenarios."""
