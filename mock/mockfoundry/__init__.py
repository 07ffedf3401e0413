"""mockfoundry: a contract-driven mock of the Cloud Foundry v3 processes API that breaks on purpose."""

__version__ = "0.1.0"

__all__ = ["__version__"]
