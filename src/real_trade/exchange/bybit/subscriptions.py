"""Who listens to which public stream, whatever the streams tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Send = Callable[[bytes], None]


class Stream(Protocol):
    """A stream: its name, and who listens."""

    name: str
    senders: list[Send]


T = TypeVar("T", bound=Stream)


class Subscriptions(ABC, Generic[T]):
    """Streams by name, as long as somebody listens."""

    def __init__(self) -> None:
        self._topics: dict[str, T] = {}

    @property
    def is_watched(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._topics)

    def knows(self, name: str) -> bool:
        """Tell whether there is such a stream."""
        return self._topic(name) is not None

    def subscribe(self, name: str, send: Send) -> None:
        """Tell a stream to somebody from now on, a snapshot first."""
        topic = self._topics.get(name) or self._topic(name)
        assert topic is not None
        if name not in self._topics:
            self._topics[name] = topic
            self._begun(topic)
        if send not in topic.senders:
            topic.senders.append(send)
        self._greet(topic, send)

    def unsubscribe(self, name: str, send: Send) -> None:
        """Stop telling."""
        topic = self._topics.get(name)
        if topic is None or send not in topic.senders:
            return
        topic.senders.remove(send)
        if not topic.senders:
            del self._topics[name]
            self._ended(topic)

    @abstractmethod
    def _topic(self, name: str) -> T | None:
        """Return a stream that nobody listens to yet; None where there is none of that name."""

    @abstractmethod
    def _greet(self, topic: T, send: Send) -> None:
        """Tell who has come how things stand."""

    @abstractmethod
    def _begun(self, topic: T) -> None:
        """Take note of the first listener."""

    @abstractmethod
    def _ended(self, topic: T) -> None:
        """Take note that the last listener has gone."""

    @staticmethod
    def _send(topic: T, message: bytes) -> None:
        for send in topic.senders:
            send(message)
