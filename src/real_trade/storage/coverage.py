"""Which spans of a series were fetched: a small file beside its months."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from real_trade.storage.files import replace_file
from real_trade.storage.partition import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COVERAGE_NAME: Final = "coverage.json"
Span = tuple[int, int]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the union of spans ``[from, to)``: ascending, apart from each other, none empty.

    >>> merge_spans([(5, 7), (0, 3), (3, 5), (9, 9)])
    [(0, 7)]
    """
    merged: list[Span] = []
    for from_ms, to_ms in sorted(span for span in spans if span[0] < span[1]):
        if merged and from_ms <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], to_ms))
        else:
            merged.append((from_ms, to_ms))
    return merged


def read_coverage(folder: Path) -> list[Span]:
    """Return the noted spans; none where there is no note.

    Raises:
        StorageError: the note is damaged.
    """
    path = folder / COVERAGE_NAME
    try:
        document = json.loads(path.read_bytes())
        return [(int(from_ms), int(to_ms)) for from_ms, to_ms in document["spans"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error


def add_coverage(folder: Path, spans: Iterable[Span]) -> None:
    """Add spans to the note, durably; the caller holds the series' lock.

    Raises:
        StorageError: the note is damaged or cannot be written.
    """
    known = read_coverage(folder)
    merged = merge_spans([*known, *spans])
    if merged != known:
        content = json.dumps({"version": 1, "spans": merged})
        replace_file(folder / COVERAGE_NAME, content.encode())
