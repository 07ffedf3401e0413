"""Foundations: whole Cloud Foundries as values, their registry and how requests name them. Never knows HTTP."""

from mockfoundry.foundations.addressing import Address, addressed
from mockfoundry.foundations.foundation import Foundation
from mockfoundry.foundations.playing import bring_up_to, lent, play, stop
from mockfoundry.foundations.registry import DEFAULT, Bounds, Registry

__all__ = ["DEFAULT", "Address", "Bounds", "Foundation", "Registry", "addressed", "bring_up_to", "lent", "play", "stop"]
