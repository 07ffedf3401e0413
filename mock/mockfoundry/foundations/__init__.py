"""Foundations: whole Cloud Foundries as values, their registry and how requests name them. Never knows HTTP."""
