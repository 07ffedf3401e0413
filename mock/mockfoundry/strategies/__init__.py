"""Strategies: failures, worlds, processes and bodies drawn by Hypothesis, so that what breaks a client is shrunk.

Needs `mockfoundry[hypothesis]`. A door for people: never plays a schedule, never asks a server.
"""

from mockfoundry.strategies.contract_values import processes, scale_bodies
from mockfoundry.strategies.schedules import failures, keep, register_schedule_printer
from mockfoundry.strategies.worlds import worlds

register_schedule_printer()

__all__ = ["failures", "keep", "processes", "scale_bodies", "worlds"]
