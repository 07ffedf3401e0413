"""Strategies: failures, worlds, processes and bodies drawn by Hypothesis, so that what breaks a client is shrunk.

Needs `mockfoundry[hypothesis]`. A door for people: never plays a schedule, never asks a server.
"""

from mockfoundry.strategies.keeping import keep
from mockfoundry.strategies.printing import print_schedules
from mockfoundry.strategies.resources import processes, scale_bodies
from mockfoundry.strategies.schedules import failures
from mockfoundry.strategies.worlds import worlds

print_schedules()

__all__ = ["failures", "keep", "processes", "scale_bodies", "worlds"]
