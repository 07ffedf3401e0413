"""The operations of the foundation as a whole: root documents, flags, stacks, jobs, audit events. Never knows HTTP."""
