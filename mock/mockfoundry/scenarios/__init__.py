"""Scenarios: failures as data, matched and counted exactly, giving decisions. Never imports world or journal."""
