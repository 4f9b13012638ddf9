"""What a long download tells those who watch it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told what happens; called from the event loop, so it returns at once."""

    def begin(self, name: str, pages: int) -> None:
        """Take notice of a series of which so many pages are missing."""
        ...

    def advance(self, bars: int) -> None:
        """Take notice of one more page, which held so many bars."""
        ...

    def waiting(self, seconds: float, reason: str) -> None:
        """Take notice that the venue made all requests stop for so long."""
        ...

    def end(self) -> None:
        """Take notice that the series is done, or was given up."""
        ...


class NoProgress:
    """Nobody watches."""

    def begin(self, name: str, pages: int) -> None:
        """Do nothing."""

    def advance(self, bars: int) -> None:
        """Do nothing."""

    def waiting(self, seconds: float, reason: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
