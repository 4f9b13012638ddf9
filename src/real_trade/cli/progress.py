"""A bar on the terminal while a download runs. Where stderr is no terminal, nothing is drawn."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as RichProgress

    from real_trade.data.progress import Progress


@contextmanager
def download_progress() -> Iterator[Progress]:
    """Give a watcher for downloads: a bar on a terminal, nobody otherwise."""
    if not sys.stderr.isatty():
        from real_trade.data.progress import NoProgress

        yield NoProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages, {task.fields[bars]:,} bars"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield TerminalProgress(bars)


class TerminalProgress:
    """One line per series.

    Args:
        bars: the display that it draws on.
    """

    def __init__(self, bars: RichProgress) -> None:
        self._display = bars
        self._task = bars.add_task("asking the venue", total=None, bars=0, remark="")
        self._bars = 0

    def begin(self, name: str, pages: int) -> None:
        """Show the series and how many pages it takes."""
        self._bars = 0
        self._display.reset(self._task, total=pages, description=name, bars=0, remark="")

    def advance(self, bars: int) -> None:
        """Show one page more."""
        self._bars += bars
        self._display.update(self._task, advance=1, bars=self._bars, remark="")

    def waiting(self, seconds: float, reason: str) -> None:
        """Show why nothing moves."""
        self._display.update(self._task, remark=f"waiting {seconds:.0f} s: {reason}")

    def end(self) -> None:
        """Leave the line as it is; the next series takes it over."""
        self._display.update(self._task, remark="")
