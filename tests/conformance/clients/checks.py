"""What every script of a client shares: named checks, each told as a line of JSON."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def info() -> dict[str, Any]:
    """Return the exchange's first line, which is the script's argument."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def check(name: str, work: Callable[[], object]) -> Any:
    """Do something and tell whether it came off; return what it returned."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
        tell(name, f"{type(error).__name__}: {error}"[:300])
        return None
    tell(name, "")
    return result


def refused(name: str, work: Callable[[], object], code: int, word: str = "") -> None:
    """Tell whether something is refused with the venue's code."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
        got = getattr(error, "error_code", getattr(error, "code", None))
        text = f"{got} {getattr(error, 'error_message', error)}"
        tell(name, "" if got == code and word in text else text)
    else:
        tell(name, "was not refused")


def tell(name: str, error: str) -> None:
    """Tell of a check."""
    sys.stdout.write(json.dumps({"check": name, "error": error}) + "\n")
    sys.stdout.flush()


def same(name: str, found: object, wanted: object) -> None:
    """Tell whether two things are the same."""
    tell(name, "" if found == wanted else f"{found!r} is not {wanted!r}"[:300])


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


def book_of(snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a book kept by the venue's rules: a snapshot, then every change that goes on from it."""
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last = snapshot["lastUpdateId"]
    for change in changes:
        if change["u"] <= last:
            continue
        for side, levels in sides.items():
            for price, quantity in change[side]:
                if float(quantity) == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = quantity
        last = change["u"]
    return sides["b"], sides["a"]
