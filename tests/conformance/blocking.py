"""An asynchronous client used as a blocking one, so that one test's body serves both."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 30.0


class Blocking:
    """A client whose calls are carried out by a loop of its own, in a thread, and waited for.

    What is read and set is the client's own; ``close`` closes the client and ends the thread.

    Args:
        make: makes the client; called on the loop.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        vars(self).update(_loop=loop, _thread=thread)
        vars(self)["_client"] = self._wait_for(_made(make))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            result = found(*args, **named)
            return self._wait_for(result) if inspect.isawaitable(result) else result

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._client, name, value)

    def close(self) -> None:
        try:
            self._wait_for(self._client.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _wait_for(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)


async def _made(make: Callable[[], Any]) -> Any:
    return make()
