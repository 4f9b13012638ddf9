"""The stand-in venue, in process: the fill model of the kernels behind the gateway's interface."""

from real_trade.sim.venue import Moment, SimulatedVenue

__all__ = ["Moment", "SimulatedVenue"]
