"""The operations of what belongs to apps: droplets, packages, builds, revisions, tasks, routes. Never knows HTTP."""
