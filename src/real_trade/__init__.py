"""From exchange history to a live, supervised strategy."""

__version__ = "2.0.0"
