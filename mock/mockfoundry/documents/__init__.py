"""Documents: what people write (scenarios, seeds), declared, read with places, and written. Knows no format."""
