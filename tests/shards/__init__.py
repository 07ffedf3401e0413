"""Shards: several servers, each with a share of the foundations, and proxies that send each request to its own."""
