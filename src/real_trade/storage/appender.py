"""The writer's side of `append_page`: cheap appends, and what they changed relative to all that is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from real_trade.storage.coverage import add_coverage
from real_trade.storage.files import remove_leftovers, sync_folder, writing
from real_trade.storage.journal import (
    JOURNAL_NAME,
    Page,
    Tail,
    append,
    journal_size,
    merged_rows,
    read_journal,
    read_places,
)
from real_trade.storage.rows import KLINE_SHAPE, Rows, between, upsert
from real_trade.storage.series import read_rows, upsert_rows

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.storage.ports import Upsert

# Settled at this size: 16 MiB are about 290 pages of 1000 bars, and bound what settling holds in memory.
JOURNAL_LIMIT_BYTES: Final = 16 * 1024 * 1024
# Stored rows around a page are kept for the pages that follow; so many page lengths on either side.
_WINDOW_PAGES: Final = 24


@dataclass(slots=True)
class Window:
    """Rows of the period files within ``[from_ms, to_ms)``."""

    from_ms: int = 0
    to_ms: int = 0
    rows: Rows = field(default_factory=dict)


class Appender:
    """What one process remembers of one series between appends; valid while nobody else wrote.

    Every method needs the series' lock to be held.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tail: Tail | None = None
        self._window = Window()

    def forget(self) -> None:
        """Drop what is remembered; somebody else wrote."""
        self._tail = None
        self._window = Window()

    def append(self, page: Page) -> Upsert:
        """Append a page; settle first where the journal has grown large.

        Raises:
            StorageError: a file is damaged, or there is no room.
        """
        tail = self._known_tail()
        if tail.end >= JOURNAL_LIMIT_BYTES:
            self.settle()
            tail = self._known_tail()
        outcome, _ = upsert(self._stored(page.rows, tail), page.rows)
        append(self._folder, tail, page)
        return outcome

    def settle(self) -> None:
        """Move the journal's rows into period files and its spans into the coverage note, then drop it.

        Death between these steps is harmless: the journal stays, and settling it again changes nothing.

        Raises:
            StorageError: a file is damaged, or there is no room.
        """
        self.forget()
        pages, _ = read_journal(self._folder)
        with writing(self._folder):
            remove_leftovers(self._folder)
        rows = merged_rows(pages)
        if rows is not None:
            upsert_rows(self._folder, KLINE_SHAPE, rows)
        if pages:
            add_coverage(self._folder, [(page.from_ms, page.to_ms) for page in pages])
        journal = self._folder / JOURNAL_NAME
        if journal.exists():
            with writing(journal):
                journal.unlink()
                sync_folder(self._folder)
        self._tail = Tail()

    def _known_tail(self) -> Tail:
        # Somebody may have removed the journal by hand.
        if self._tail is None or journal_size(self._folder) < self._tail.end:
            self._tail = read_journal(self._folder)[1]
        return self._tail

    def _stored(self, rows: Rows, tail: Tail) -> Rows:
        """Return what is stored between the first and the last of these rows."""
        stamps = rows["timestamp"]
        if not len(stamps):
            return rows
        first, last = int(stamps[0]), int(stamps[-1])
        window = self._window
        if not window.from_ms <= first or not last < window.to_ms:
            margin = _WINDOW_PAGES * (last - first + 1)
            window = Window(first - margin, last + 1 + margin)
            window.rows = read_rows(self._folder, KLINE_SHAPE, window.from_ms, window.to_ms)
            self._window = window
        stored = between(window.rows, first, last + 1)
        touched = [place for place in tail.places if place.first_ms <= last and first <= place.last_ms]
        pending = merged_rows(read_places(self._folder, touched)) if touched else None
        if pending is not None:
            stored = upsert(stored, pending)[1] or stored
        return stored
