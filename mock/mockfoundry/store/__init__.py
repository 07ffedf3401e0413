"""The store: snapshots of foundations kept outside of the process, in files or in Redis. Never looks inside of one."""
