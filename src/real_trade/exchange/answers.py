"""What passes between a venue's face and the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from real_trade.exchange.pages import CLEAN, Blemish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Query:
    """A request as a venue sees it.

    Attributes:
        method, path: as sent.
        params: query parameters, decoded.
        blemish: what a fault does to the rows of the answer.
        raw: the query string as sent.
        headers: names in lower case.
        body: as sent.
    """

    method: str
    path: str
    params: Mapping[str, str]
    blemish: Blemish = CLEAN
    raw: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it goes out.

    Attributes:
        status: HTTP status.
        body: the bytes.
        code: the venue's own code; 0 where all is well.
        rows: rows of market data carried.
        headers: beside the usual ones.
        content_type: MIME type.
    """

    status: int
    body: bytes
    code: int = 0
    rows: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Session(Protocol):
    """One socket connection, seen from the venue."""

    @property
    def idle_s(self) -> float:
        """Return after how long without a frame of the client the connection is cut."""
        ...

    @property
    def ping_s(self) -> float:
        """Return how often the venue asks whether the client is there; 0 for never."""
        ...

    @property
    def is_over(self) -> bool:
        """Tell whether the venue has had enough of the connection, and cuts it."""
        ...

    def receive(self, text: str | bytes) -> None:
        """Take a frame of the client."""
        ...

    def close(self) -> None:
        """Forget the connection."""
        ...


class VenueFace(Protocol):
    """One venue's interface over a market."""

    def advance(self, now_ms: int) -> None:
        """Let the market go on until then."""
        ...

    def pulse(self) -> None:
        """Tell the streams what has changed."""
        ...

    def open_socket(
        self, path: str, send: Callable[[bytes], None], params: Mapping[str, str] | None = None
    ) -> Session | None:
        """Return a session for a new connection; None where there is no socket."""
        ...

    def admit(self, query: Query) -> Answer | None:
        """Count a request against the limits; return the refusal if it exceeds them."""
        ...

    def answer(self, query: Query) -> Answer:
        """Return the answer to an admitted request."""
        ...

    def limit_headers(self, query: Query) -> dict[str, str]:
        """Return the headers that tell how much of the limits is used."""
        ...

    def throttled(self, query: Query, wait_s: float) -> Answer:
        """Return what the venue says to one who is too fast and should wait."""
        ...

    def holders(self) -> dict[str, list[int]]:
        """Return the core's accounts of each key."""
        ...

    def banned(self, query: Query, wait_s: float) -> Answer:
        """Shut an address out for so long, and return what the venue says to it."""
        ...

    def maintained(self, query: Query) -> Answer:
        """Return what the venue says while it is being maintained."""
        ...

    def timed_out(self, query: Query) -> Answer:
        """Return what the venue says where it does not know what became of a request."""
        ...

    def order_named(self, query: Query) -> int | None:
        """Return the core's number of the order that a request names; None if it names none that is known."""
        ...

    def restart_books(self) -> None:
        """Number every book anew, and tell all of it again."""
        ...

    def expire_listen_keys(self) -> None:
        """Let the keys of user streams be no longer valid."""
        ...

    def addresses(self, root: str) -> dict[str, Any]:
        """Return the base URLs to announce, by name; ``rest`` among them."""
        ...
