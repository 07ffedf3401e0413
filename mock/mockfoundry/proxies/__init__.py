"""Proxies: what nginx or Envoy is configured with, so that each request meets the shard of its foundation."""
