"""Documents: files that people write (scenarios, seeds), read with the place of everything. Knows no format of ours."""
