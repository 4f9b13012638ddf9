"""What a strategy's functions remember outside the bars they are given: module-level containers, caches, closures.

Whatever reaches a decision that way cannot be checked by changing the bars, and compiled code keeps what it held when
it was compiled.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import pickle
import sysconfig
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.jit import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTAINERS = (dict, list, set, bytearray, deque, np.ndarray)
_LIBRARIES = tuple(str(Path(sysconfig.get_paths()[name]).resolve()) for name in ("stdlib", "purelib", "platlib"))


class Memory(NamedTuple):
    """One thing that can be remembered.

    Attributes:
        name: what the author calls it.
        value: a container, a function under ``functools.cache``, or the attributes of an object.
        owner: module or class whose attribute it is, if functions bind that name anew; else None.
    """

    name: str
    value: Any
    owner: Any


def memories_of(function: Callable[..., Any]) -> dict[str, Memory]:
    """Return what a function, and the functions of its author that it calls, can remember, by name."""
    found: dict[str, Memory] = {}
    seen: set[int] = set()
    queue: list[Any] = [function]
    while queue:
        item = plain(queue.pop())
        if hasattr(item, "cache_info"):
            item = getattr(item, "__wrapped__", item)
        if not isinstance(item, FunctionType) or id(item) in seen or _is_library(item.__code__.co_filename):
            continue
        seen.add(id(item))
        bound = set(_bound_by(item.__code__))
        for name, value, owner in _used_by(item):
            if isinstance(value, _CONTAINERS) or hasattr(value, "cache_info"):
                found[name] = Memory(name, value, owner if name in bound else None)
            elif not isinstance(value, type | ModuleType) and _is_authors(type(value)) and hasattr(value, "__dict__"):
                found[name] = Memory(name, vars(value), None)
            queue.append(value)
    return found


def _used_by(function: FunctionType) -> Iterator[tuple[str, Any, Any]]:
    """Yield what a function's code names: name, object, and the module or class it is an attribute of."""
    names = set(_names_in(function.__code__))
    module = inspect.getmodule(function)
    known = {name: function.__globals__[name] for name in names & function.__globals__.keys()}
    yield from ((name, value, module) for name, value in known.items())
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        known[name] = cell.cell_contents
        yield name, cell.cell_contents, None
    for index, value in enumerate(function.__defaults__ or ()):
        yield f"default {index + 1} of {function.__name__}", value, None
    for value in known.values():
        # What is reached through a module or a class of the author: helpers.TABLE, MyStrategy.seen.
        if isinstance(value, type | ModuleType) and _is_authors(value):
            for name in sorted(names & vars(value).keys()):
                held = vars(value)[name]
                yield name, held.__func__ if isinstance(held, staticmethod | classmethod) else held, value


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _bound_by(code: CodeType) -> Iterator[str]:
    """Yield the globals and attributes that code binds anew."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"STORE_GLOBAL", "STORE_ATTR"}:
            yield str(instruction.argval)


def _is_authors(thing: Any) -> bool:
    file = getattr(inspect.getmodule(thing), "__file__", None)
    return bool(file) and not _is_library(str(file))


def _is_library(file: str) -> bool:
    return str(Path(file).resolve()).startswith(_LIBRARIES)


def fingerprints(memories: dict[str, Memory]) -> dict[str, bytes]:
    """Return a digest of what each holds."""
    return {name: _fingerprint(memory.value) for name, memory in memories.items()}


def _fingerprint(value: Any) -> bytes:
    if hasattr(value, "cache_info"):
        text = str(value.cache_info().currsize).encode()
    else:
        try:
            text = pickle.dumps(value)
        except (pickle.PicklingError, TypeError, AttributeError):
            text = repr(value).encode()
    return hashlib.sha256(text).digest()


@contextmanager
def forgotten(memory: Memory) -> Iterator[Callable[[], bool]]:
    """Empty a memory, yield a function that tells whether it has been filled again, and restore it afterwards.

    Results kept by ``functools.cache`` are only dropped.
    """
    value = memory.value
    if memory.owner is not None:
        setattr(memory.owner, memory.name, None)
        try:
            yield lambda: getattr(memory.owner, memory.name) is not None
        finally:
            setattr(memory.owner, memory.name, value)
    elif hasattr(value, "cache_info"):
        value.cache_clear()
        try:
            yield lambda: value.cache_info().currsize > 0
        finally:
            value.cache_clear()  # what it held cannot be put back, and is made again when it is asked for
    elif isinstance(value, np.ndarray):
        saved = value.copy()
        value[...] = np.zeros(1, value.dtype)[0]
        try:
            yield lambda: bool(np.any(value != np.zeros(1, value.dtype)[0]))
        finally:
            value[...] = saved
    else:
        held = value.copy()
        value.clear()
        try:
            yield lambda: len(value) > 0
        finally:
            value.clear()
            (value.update if isinstance(value, dict | set) else value.extend)(held)


def holds_a_row_per_bar(value: Any, bars: int) -> bool:
    """Tell whether a container, or something directly in it, has at least one entry for each of so many bars."""
    if hasattr(value, "cache_info"):
        return False
    inside = list(value.values()) if isinstance(value, dict) else list(value)[:64]
    return any(hasattr(item, "__len__") and len(item) >= bars for item in (value, *inside))
