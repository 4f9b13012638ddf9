"""The loop of one strategy as source text: generated, named by a hash of all it depends on, kept on disk.

A loop that takes the strategy as an argument is compiled again in every process; a generated module that names it
is compiled once and cached. The same body is made in two dialects: ``compiled`` reads columns by index and passes the
request table by address, ``plain`` draws ready-made rows from an iterator (columns read one element at a time are what
makes Python slow).
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

from real_trade import __version__
from real_trade.kernels import accounting, book, inverse, jit, matching, slippage
from real_trade.model import bars as bars_module
from real_trade.model import order as order_module
from real_trade.trading import desk as desk_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from real_trade.trading.strategy import Strategy

_BODY = '''\
"""Generated: the loop of {strategy}."""

from math import inf, nan

from real_trade.kernels.accounting import Ledger, lots_in_bar, mark, volume_in_lots
from real_trade.kernels.book import MAX_REQUESTS, Counts, Market, match_bar, take_requests, with_room
from real_trade.kernels.jit import handle_of
from real_trade.kernels.slippage import true_range
from real_trade.model.bars import Bar
from real_trade.trading.desk import Desk
{prelude}

def run({arguments}, terms, requests, orders, working, fills, equity, point_value, {param_names}):
    cash_unit = 1e-8
    params = Params({param_names})
    state = {initial_state}
    ledger = Ledger(cash, 0, 0.0)
    counts = Counts(0, 0, 0, 0)
    n = len(close)
    requests_at, orders_at, working_at, fills_at = (
        handle_of(requests), handle_of(orders), handle_of(working), handle_of(fills)
    )
    equity_at, close_at = handle_of(equity), handle_of(close)
    i = 0
    while i < n:
        if counts.working > 0:
            if counts.fills + counts.working > len(fills):
                fills = with_room(fills, counts.fills + counts.working)
                fills_at = handle_of(fills)
            before = true_range(high[i - 1], low[i - 1], close[max(i - 2, 0)])
            market = Market(
                i, time_ms[i], open_[i], high[i], low[i], close[i], lots_in_bar(volume[i], terms),
                volume_in_lots(volume[i], terms), before,
            )
            counts, ledger = match_bar(market, orders_at, working_at, fills_at, counts, ledger, terms)
        desk = Desk(
            ledger.position, counts.working, ledger.entry_ticks, ledger.cash * cash_unit, point_value,
            counts.orders + 1, requests_at,
        )
        first = i
        waiting = counts.working > 0
        # Nothing can happen to the account until the strategy asks for something: a tight loop.
{each_bar}
            state = on_bar(bar, x, state, params, desk)
            i += 1
            if waiting or requests[MAX_REQUESTS, 0] > 0 or i == n:
                break
        mark(equity_at, close_at, first, i, ledger, terms)
        if requests[MAX_REQUESTS, 0] > 0:
            if counts.orders + MAX_REQUESTS > len(orders):
                orders = with_room(orders, counts.orders + MAX_REQUESTS)
                orders_at = handle_of(orders)
            if counts.working + MAX_REQUESTS > len(working):
                working = with_room(working, counts.working + MAX_REQUESTS)
                working_at = handle_of(working)
            counts = take_requests(
                i - 1, time_ms[i - 1], close[i - 1], requests_at, orders_at, working_at, counts,
                ledger.position, terms
            )
        if counts.failure > 0:
            break
    return counts, ledger, orders, fills, i - 1
{epilogue}'''

_COLUMNS = ("time_ms", "open_", "high", "low", "close", "volume", "synthetic")


def compiled_loop(
    strategy: type[Strategy], feature_names: Sequence[str], on_bar: Callable[..., Any]
) -> Callable[..., Any]:
    """Return the compiled loop of a strategy, from the cache on disk if it is there.

    Args:
        strategy: its class.
        feature_names: names of its features, in the order in which their arrays are passed.
        on_bar: the compiled decision function.
    """
    features = [f"feature_{index}" for index in range(len(feature_names))]
    text = _render(
        strategy,
        arguments=", ".join([*_COLUMNS, *features, "cash"]),
        prelude="from real_trade.kernels.jit import compiled",
        each_bar=(
            "        while True:\n"
            f"            bar = Bar({', '.join(f'{name}[i]' for name in _COLUMNS)})\n"
            f"            x = Row({', '.join(f'{name}[i]' for name in features) or '0'})"
        ),
        epilogue="\n\nrun = compiled(run)\n",
    )
    digest = code_hash(strategy, text)
    names = {"Row": row_type(feature_names), "State": strategy.State, "Params": strategy.Params, "on_bar": on_bar}
    function: Callable[..., Any] = _load(_write(text, digest), digest, names).run
    return function


def plain_loop(strategy: type[Strategy], feature_names: Sequence[str]) -> Callable[..., Any]:
    """Return the same loop in plain Python."""
    text = _render(
        strategy,
        arguments=", ".join([*_COLUMNS[:6], "rows", "cash"]),
        prelude="",
        each_bar="        for bar, x in rows:",
        epilogue="",
    )
    module = ModuleType(f"real_trade_plain_{strategy.__name__}")
    vars(module).update(
        Row=row_type(feature_names), State=strategy.State, Params=strategy.Params, on_bar=strategy.on_bar
    )
    exec(compile(text, f"<plain loop of {strategy.__name__}>", "exec"), vars(module))  # noqa: S102 - our own text
    function: Callable[..., Any] = module.run
    return function


@cache
def _row_type(names: tuple[str, ...]) -> type[Any]:
    from collections import namedtuple

    return namedtuple("Row", names or ("nothing",))  # noqa: PYI024 - made at run time


def row_type(feature_names: Sequence[str]) -> type[Any]:
    """Return the named tuple that holds one bar's features."""
    return _row_type(tuple(feature_names))


def _render(strategy: type[Strategy], **parts: str) -> str:
    fields = ", ".join(repr(value) for value in strategy.State._field_defaults.values())
    names = ", ".join(f"param_{index}" for index in range(len(strategy.Params._fields)))
    return _BODY.format(strategy=strategy.__name__, initial_state=f"State({fields})", param_names=names, **parts)


def code_hash(strategy: type[Strategy], *texts: str) -> str:
    """Return sha256 over all that decides the machine code: the strategy, what it calls, the kernels, the versions."""
    key = (strategy, texts)
    if key not in _HASHES:
        _HASHES[key] = _code_hash(strategy, texts)
    return _HASHES[key]


# A class is loaded once in a process, and its files are read as they were then.
_HASHES: dict[tuple[type[Any], tuple[str, ...]], str] = {}


def _code_hash(strategy: type[Strategy], texts: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for part in (__version__, sys.version, numba.__version__, np.__version__, strategy.__qualname__, *texts):
        digest.update(part.encode() + b"\0")
    modules = [accounting, bars_module, book, inverse, jit, matching, order_module, slippage, desk_module]
    files = {Path(str(module.__file__)) for module in modules}
    for function in (strategy.on_bar, strategy.features):
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
    # The strategy's own classes are put in before the text runs: it names them but cannot import a user's file.
    vars(module).update(names)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
