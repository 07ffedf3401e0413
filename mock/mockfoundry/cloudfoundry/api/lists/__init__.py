"""Lists: how a list of any resource is asked for, and how its pages are made. Never knows a resource."""
