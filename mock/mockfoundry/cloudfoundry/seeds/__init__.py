"""Seeds: what a foundation begins with, read with places and built, and what a scenario changes in it."""
