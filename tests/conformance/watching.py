"""Waiting for what a client's streams say, never for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 15.0


async def soon(waiting: Any) -> Any:
    return await asyncio.wait_for(waiting, WAIT_S)


async def until(watch: Callable[[], Any], seen: Callable[[Any], bool]) -> Any:
    """Watch until something has been seen; return it."""

    async def go() -> Any:
        while True:
            for row in await watch():
                if seen(row):
                    return row

    return await soon(go())
