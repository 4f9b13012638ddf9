"""Who hears what happens to an account: subscribers of a socket, and holders of a listen key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.binance.calls import Call
    from real_trade.exchange.binance.records import Records
    from real_trade.model import Clock, Market

    # Takes what the user stream says.
    Listener = Callable[[dict[str, Any]], None]

_LIFE_MS: Final = 3_600_000


@dataclass(slots=True)
class _Key:
    """A listen key.

    Attributes:
        text: the key.
        market, account: whose stream it opens.
        until_ms: when it ends.
    """

    text: str
    market: Market
    account: int
    until_ms: int


class Users:
    """The user streams.

    Args:
        records: makes keys up.
        clock: the venue's own.
    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._listeners: dict[int, list[Listener]] = defaultdict(list)
        self._keys: dict[str, _Key] = {}
        self._made = 0
        # Who to tell when a key ends.
        self._holders: dict[str, list[Listener]] = defaultdict(list)

    def listen(self, account: int, listener: Listener) -> None:
        """Have all that happens to an account told to a listener."""
        self._listeners[account].append(listener)

    def forget(self, account: int, listener: Listener) -> None:
        """Tell a listener no more."""
        if listener in self._listeners[account]:
            self._listeners[account].remove(listener)

    def is_heard(self, account: int) -> bool:
        """Tell whether anybody listens."""
        return bool(self._listeners[account])

    def tell(self, account: int, event: dict[str, Any]) -> None:
        """Tell everybody who listens to an account."""
        for listener in list(self._listeners[account]):
            listener(event)

    # Listen keys

    def open(self, call: Call) -> dict[str, str]:
        """Return the account's listen key, a new one or the one it has; it lives for another hour."""
        key = next((k for k in self._keys.values() if (k.market, k.account) == (call.market, call.account)), None)
        if key is None:
            self._made += 1
            key = _Key(self._records.word("key", self._made), call.market, call.account, 0)
            self._keys[key.text] = key
        key.until_ms = self._clock.now_ms() + _LIFE_MS
        return {"listenKey": key.text}

    def prolong(self, call: Call) -> dict[str, str]:
        """Let a listen key live for another hour."""
        key = self._named(call)
        key.until_ms = self._clock.now_ms() + _LIFE_MS
        return {} if call.is_spot else {"listenKey": key.text}

    def shut(self, call: Call) -> dict[str, str]:
        """End a listen key."""
        key = self._named(call)
        self._end(key)
        return {}

    def hold(self, text: str, listener: Listener) -> tuple[Market, int] | None:
        """Hear the stream that a listen key opens; return whose it is, None if there is no such key."""
        key = self._keys.get(text)
        if key is None:
            return None
        self.listen(key.account, listener)
        self._holders[text].append(listener)
        return key.market, key.account

    def pulse(self) -> None:
        """End the keys that nobody prolonged."""
        now = self._clock.now_ms()
        for key in [key for key in self._keys.values() if key.until_ms <= now]:
            self._end(key)

    def expire(self) -> None:
        """End every key."""
        for key in list(self._keys.values()):
            self._end(key)

    def _end(self, key: _Key) -> None:
        del self._keys[key.text]
        event = {"e": "listenKeyExpired", "E": self._clock.now_ms(), "listenKey": key.text}
        for listener in self._holders.pop(key.text, []):
            listener(event)
            self.forget(key.account, listener)

    def _named(self, call: Call) -> _Key:
        """Return the key that a request names; futures have only one, and need not name it."""
        text = call.params.get("listenKey", "")
        if not text and not call.is_spot:
            found = [k for k in self._keys.values() if (k.market, k.account) == (call.market, call.account)]
        else:
            found = [k for k in self._keys.values() if k.text == text and k.account == call.account]
        if not found:
            raise Refusal(-1125, "This listenKey does not exist.")
        return found[0]
