"""Loops as machine code: generated text, named by a hash of all it depends on, kept on disk.

A loop that takes strategies as arguments is compiled again in every process; a generated module that names them is
compiled once and cached.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from real_trade import __version__, kernels
from real_trade.kernels import jit
from real_trade.model import bars as bars_module
from real_trade.model import order as order_module
from real_trade.trading import desk as desk_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.trading.strategy import Strategy

# What a generated text calls the functions, classes and row types that it is given.
Names = dict[str, Any]


def compiled_loop(strategies: tuple[type[Strategy], ...], text: str, names: Names, decide: Names) -> Callable[..., Any]:
    """Return the compiled loop of a text, made once per process, from the cache on disk if it is there.

    Args:
        strategies: all whose code the loop calls.
        text: of a module with ``run``.
        names: classes that it names.
        decide: functions of the strategies that it calls.
    """
    key = (strategies, text)
    if key not in _LOOPS:
        digest = _hash_of(strategies, text)
        compiled = {name: jit.compiled_part(function) for name, function in decide.items()}
        _LOOPS[key] = _load(_write(text, digest), digest, names | compiled).run
    return _LOOPS[key]


_LOOPS: dict[tuple[tuple[type[Any], ...], str], Callable[..., Any]] = {}


def plain_loop(text: str, names: Names) -> Callable[..., Any]:
    """Return the loop of a text in plain Python."""
    module = ModuleType("real_trade_plain_loop")
    vars(module).update(names)
    exec(compile(text, "<plain loop>", "exec"), vars(module))  # noqa: S102 - our own text
    function: Callable[..., Any] = module.run
    return function


def decisions_of(strategy: type[Strategy]) -> dict[str, Callable[..., Any]]:
    """Return the functions by which a strategy decides, by the event that calls them: ``bar``, ``trade``."""
    found: dict[str, Callable[..., Any]] = {}
    if strategy.decides_on_bars() or not strategy.decides_on_trades():
        found["bar"] = strategy.on_bar if strategy.symbols == 1 else strategy.on_bars
    if strategy.decides_on_trades():
        found["trade"] = strategy.on_trade
    return found


def types_of(s: int, strategy: type[Strategy], features: tuple[str, ...]) -> Names:
    """Return the classes of the strategy of a number, as generated text calls them."""
    return {f"Row_{s}": row_type(features), f"State_{s}": strategy.State, f"Params_{s}": strategy.Params}


@cache
def row_type(names: tuple[str, ...]) -> type[Any]:
    """Return the named tuple that holds one bar's features."""
    from collections import namedtuple

    return namedtuple("Row", names or ("nothing",))  # noqa: PYI024 - made at run time


def code_hash(*strategies: type[Strategy]) -> str:
    """Return sha256 over all that decides the machine code of strategies: what they call, the kernels, the versions."""
    return _hash_of(strategies, "")


@cache
def _hash_of(strategies: tuple[type[Strategy], ...], text: str) -> str:
    # A class is loaded once in a process, and its files are read as they were then.
    digest = hashlib.sha256()
    names = (strategy.__qualname__ for strategy in strategies)
    for part in (__version__, sys.version, numba.__version__, np.__version__, *names, text):
        digest.update(part.encode() + b"\0")
    files = set(Path(str(kernels.__file__)).parent.glob("*.py"))
    files |= {Path(str(module.__file__)) for module in (bars_module, order_module, desk_module)}
    for strategy in strategies:
        for function in (*decisions_of(strategy).values(), strategy.features):
            files |= _files_behind(function)
    for file in sorted(files, key=lambda path: path.name):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _files_behind(function: Callable[..., Any]) -> set[Path]:
    """Return the source files of a function and of every project or user function that it can reach."""
    libraries = tuple(str(Path(sysconfig.get_paths()[name]).resolve()) for name in ("stdlib", "purelib", "platlib"))
    found: set[Path] = set()
    queue: list[Any] = [function]
    while queue:
        item = queue.pop()
        module = item if inspect.ismodule(item) else sys.modules.get(getattr(jit.plain(item), "__module__", None) or "")
        file = getattr(module, "__file__", None)
        if module is None or file is None:
            continue
        path = Path(file).resolve()
        is_library = str(path).startswith(libraries) and not module.__name__.startswith("real_trade")
        if is_library or path in found:
            continue
        found.add(path)
        queue.extend(value for value in vars(module).values() if callable(value) or inspect.ismodule(value))
    return found


def cache_folder() -> Path:
    """Return where generated loops are kept: ``RT_CACHE_DIR``, else the user's cache folder."""
    home = os.environ.get("RT_CACHE_DIR")
    base = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "real_trade"
    return base / "loops"


def _write(text: str, digest: str) -> Path:
    folder = cache_folder() / digest[:32]
    path = folder / "loop.py"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    return path


def _load(path: Path, digest: str, names: dict[str, Any]) -> Any:
    spec = importlib.util.spec_from_file_location(f"real_trade_loop_{digest[:32]}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The strategies' own classes are put in before the text runs: it names them but cannot import a user's file.
    vars(module).update(names)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
