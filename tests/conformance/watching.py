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


async def settles(is_so: Callable[[], bool]) -> bool:
    """Look again and again whether something has become so."""
    for _ in range(int(WAIT_S / 0.02)):
        if is_so():
            return True
        await asyncio.sleep(0.02)
    return False
