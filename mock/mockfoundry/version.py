"""The version: of mockfoundry, where every room can read it. Holds nothing else."""

__version__ = "0.1.0"
