"""Turn what a strategy's code raised, or what Numba says of it, into a sentence that a trader understands."""

from __future__ import annotations

import inspect
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.kernels.jit import COMPILER_ERRORS
from real_trade.model.errors import RealTradeError, StrategyError

if TYPE_CHECKING:
    from real_trade.trading.strategy import Strategy

# What Numba says -> what it means here. The first match wins; groups may be used in the text.
_NUMBA_SAYS: tuple[tuple[str, str, str], ...] = (
    (
        r"[Uu]ntyped global name '(\w+)'",
        "on_bar uses {0}, which is not compiled",
        "Put @compiled (from real_trade.trading) above {0}, or pass it as a parameter or feature.",
    ),
    (
        r"NameError: name '(\w+)' is not defined|[Vv]ariable '(\w+)' referenced before assignment",
        "on_bar uses {0} before it has a value",
        "Give it a value on every path.",
    ),
    (
        r"Unknown attribute '(\w+)' of type (\w+)",
        "{1} has no {0}",
        "Check the spelling: features are x.<name>, parameters p.<name>, memory state.<name>.",
    ),
    (
        r"Cannot unify .*State|can't unify return type|Cannot unify",
        "on_bar gives a value of changing type",
        "Return the same State type on every path, with 0.0 for real numbers, 0 for whole ones, True/False for flags.",
    ),
    (
        r"Use of unsupported (?:opcode|feature).*|not supported|Unsupported",
        "on_bar uses a Python feature that cannot be compiled",
        "Keep to numbers, comparisons, if/for/while, math functions and the desk; no dicts, files or classes.",
    ),
)


def explain_failure(strategy: type[Strategy], where: str, error: Exception) -> RealTradeError:
    """Return the error to raise for an exception from a strategy's ``on_bar`` or ``features``."""
    if isinstance(error, RealTradeError):
        return error
    if isinstance(error, COMPILER_ERRORS):
        return _explain_numba(strategy, error)
    if "NoneType" in str(error) or "got None" in str(error):
        return StrategyError(
            f"{strategy.__name__}.{where} gave nothing back: {error}.",
            field=where,
            fix="Return the state on every path (`return state` where nothing changes).",
        )
    file = inspect.getsourcefile(strategy)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    place = f"{Path(file).name}:{frames[-1].lineno}: " if frames and file else ""
    line = f" in `{frames[-1].line}`" if frames and frames[-1].line else ""
    return StrategyError(
        f"{place}{strategy.__name__}.{where}: {type(error).__name__}: {error}{line}.",
        field=where,
        value=str(error),
        fix="Correct that line; runner='python' lets a debugger stop there.",
    )


def _explain_numba(strategy: type[Strategy], error: Exception) -> StrategyError:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    file = inspect.getsourcefile(strategy) or ""
    name = re.escape(Path(file).name)
    found = re.findall(rf'File "[^"]*{name}", line (\d+)', text) or re.findall(rf"{name} \((\d+)\)", text)
    place = f"{Path(file).name}:{found[-1]}: " if found else ""
    for pattern, sentence, fix in _NUMBA_SAYS:
        match = re.search(pattern, text)
        if match:
            words = [group or "" for group in match.groups()] or [""]
            words = [word for word in words if word] or ["a value"]
            words.append("it")
            return StrategyError(
                f"{place}{strategy.__name__}: {sentence.format(*words)}.",
                code="strategy_not_compilable",
                field="on_bar",
                fix=fix.format(*words),
            )
    first = next((line.strip() for line in text.splitlines() if line.strip() and "nopython" not in line), "")
    return StrategyError(
        f"{place}{strategy.__name__}.on_bar cannot be compiled: {first}",
        code="strategy_not_compilable",
        field="on_bar",
        fix="Run it with runner='python' to see it work, then keep to numbers and simple statements.",
    )
