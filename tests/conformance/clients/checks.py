"""What every script of a client shares: named checks, each told as a line of JSON with the topic that it shows."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How long a book is kept, in milliseconds of market time, and the longest wait for it in seconds.
KEPT_MS = 600_000
PATIENCE_S = 60.0
# Longer than what the venue forgives after a warning.
GRACE_S = 2.2


def exchange(name: str = "market") -> dict[str, Any]:
    """Return the first line of an exchange.

    Args:
        name: ``market``; ``fast``, in which a minute takes a second; or ``narrow``, which takes few requests.
    """
    found: dict[str, Any] = json.loads(sys.argv[1])[name]
    return found


def tell(topic: str, name: str, error: str) -> None:
    """Tell of a check."""
    sys.stdout.write(json.dumps({"topic": topic, "check": name, "error": error}) + "\n")
    sys.stdout.flush()


def check(topic: str, name: str, work: Callable[[], object]) -> Any:
    """Do something and tell whether it came off; return what it returned."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
        tell(topic, name, f"{type(error).__name__}: {error} {vars(error)}"[:300])
        return None
    tell(topic, name, "")
    return result


def same(topic: str, name: str, found: object, wanted: object) -> None:
    """Tell whether two things are the same."""
    tell(topic, name, "" if found == wanted else f"{found!r} is not {wanted!r}"[:300])


def fields(topic: str, name: str, found: Any, **wanted: object) -> None:
    """Tell whether fields of a row are as they should be."""
    same(topic, name, {field: found.get(field) for field in wanted} if isinstance(found, dict) else found, wanted)


def refused(topic: str, name: str, work: Callable[[], object], code: int, word: str = "") -> None:
    """Tell whether something is refused with the venue's code."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
        got = getattr(error, "error_code", getattr(error, "code", None))
        text = f"{got} {getattr(error, 'error_message', error)}"
        tell(topic, name, "" if got == code and word in text else f"{type(error).__name__}: {text}"[:300])
    else:
        tell(topic, name, "was not refused")


@contextmanager
def clock_off(seconds: float) -> Iterator[None]:
    """Let this machine's clock be so far ahead."""
    real = time.time
    with patch("time.time", lambda: real() + seconds):
        yield


def too_fast(ask: Callable[[], object], say: Callable[[str], str] = str) -> None:
    """Tell whether who asks too often is told so, when to come back, and shut out if he goes on regardless."""
    topic = "too many requests"

    def excess() -> Any:
        for _ in range(100):
            try:
                ask()
            except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
                return error
        return None

    def facts(error: Any) -> tuple[Any, Any, bool]:
        headers = getattr(error, "header", None) or getattr(getattr(error, "response", None), "headers", {})
        code = getattr(error, "error_code", getattr(error, "code", None))
        return getattr(error, "status_code", error), code, int(headers.get("Retry-After", 0)) > 0

    same(topic, say("too many"), facts(excess()), (429, -1003, True))
    for _ in range(2):
        # In a window of time that has just begun there is a warning first.
        time.sleep(GRACE_S)
        found = facts(excess())
        if found[0] == 418:
            break
    same(topic, say("banned"), found, (418, -1003, True))


class Heard:
    """Messages of a stream, and a way to wait for one."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._lock = threading.Lock()

    def take(self, *message: Any) -> None:
        """Take a message, the last argument of whatever calls this."""
        with self._lock:
            self.messages.append(json.loads(message[-1]) if isinstance(message[-1], str) else message[-1])

    def wait(self, fits: Callable[[Any], bool], seconds: float = 10.0) -> Any:
        """Return the first message that fits.

        Raises:
            TimeoutError: none came.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._lock:
                for message in self.messages:
                    if fits(message):
                        return message
            time.sleep(0.05)
        raise TimeoutError(f"no such message among {len(self.messages)}: {self.messages[-1:]}")


def keep_book(heard: Heard, depth: Callable[[], Any], say: Callable[[str], str] = str) -> None:
    """Keep a book by the changes of a stream for ten minutes of market time, and hold it against a fresh one.

    Args:
        heard: hears the changes.
        depth: asks for the whole book.
        say: names the checks.
    """
    topic = "kept book"
    is_change = lambda message: message.get("e") == "depthUpdate"  # noqa: E731
    first = check(topic, say("depth stream"), lambda: heard.wait(is_change))
    snapshot = depth()
    long = lambda message: is_change(message) and message["E"] >= first["E"] + KEPT_MS  # noqa: E731
    check(topic, say("ten minutes"), lambda: heard.wait(long, PATIENCE_S))
    fresh = depth()
    beyond = lambda message: is_change(message) and message["u"] >= fresh["lastUpdateId"]  # noqa: E731
    check(topic, say("depth caught up"), lambda: heard.wait(beyond))
    begin, end = snapshot["lastUpdateId"], fresh["lastUpdateId"]
    changes = [change for change in heard.messages if is_change(change) and begin < change["u"] <= end]
    same(topic, say("many changes"), len(changes) > 100, True)
    same(topic, say("goes on from the snapshot"), changes[0]["U"] <= begin + 1 <= changes[0]["u"], True)
    follows = [b.get("pu", b["U"] - 1) == a["u"] for a, b in pairwise(changes)]
    same(topic, say("depth chain"), all(follows), True)
    same(topic, say("book by deltas"), book_of(snapshot, changes), (dict(fresh["bids"]), dict(fresh["asks"])))


def book_of(snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a book kept by the venue's rules: a snapshot, then every change that goes on from it."""
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    for change in changes:
        for side, levels in sides.items():
            for price, quantity in change[side]:
                if float(quantity) == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = quantity
    return sides["b"], sides["a"]
