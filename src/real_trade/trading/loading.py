"""Find a strategy by name or by file, and say clearly what is wrong with one that cannot be loaded."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from real_trade.model.errors import StrategyError
from real_trade.trading.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


def load_strategy(spec: str, catalogue: Mapping[str, str]) -> type[Strategy]:
    """Return the strategy that ``NAME`` or ``FILE[:Class]`` stands for.

    Args:
        spec: a name of the catalogue, or the path of a Python file, with the class's name if it defines several.
        catalogue: name -> "module:Class".

    Raises:
        StrategyError: no such name, file or class, or a file that fails when it is read.
    """
    if spec in catalogue:
        module_name, _, class_name = catalogue[spec].partition(":")
        return cast("type[Strategy]", getattr(import_module(module_name), class_name))
    path_text, _, class_name = spec.partition(".py:")
    path = Path(path_text if path_text == spec else f"{path_text}.py")
    if path.suffix != ".py":
        near = get_close_matches(spec, catalogue, n=1)
        raise StrategyError(
            f"There is no strategy {spec!r}.",
            code="unknown_strategy",
            field="strategy",
            value=spec,
            fix=f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(sorted(catalogue))}, or a .py file.",
        )
    return _choose_class(_load_file(path), path, class_name)


def _load_file(path: Path) -> ModuleType:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StrategyError(
            f"Strategy file {path} cannot be read: {error.strerror}.",
            field="strategy",
            value=str(path),
            fix="Check the path.",
        ) from None
    # The module's name follows from its text, as the name of its machine code does: what is found in the cache names
    # classes of a module that exists.
    name = f"real_trade_user_{hashlib.sha256(source).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - running a strategy is what was asked for
    except StrategyError:
        raise
    except SyntaxError as error:
        raise StrategyError(
            f"{path}:{error.lineno}: {error.msg}: {(error.text or '').strip()}",
            code="strategy_syntax",
            field="strategy",
            value=str(path),
            fix="Correct that line.",
        ) from None
    except Exception as error:  # border: a user's file may raise anything
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), 0
        )
        raise StrategyError(
            f"{path}:{line}: {type(error).__name__}: {error}",
            field="strategy",
            value=str(path),
            fix="Correct that line.",
        ) from error
    return module


def _choose_class(module: ModuleType, path: Path, class_name: str) -> type[Strategy]:
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    if class_name:
        if class_name not in found:
            raise StrategyError(
                f"{path} has no strategy {class_name}.",
                field="strategy",
                value=class_name,
                fix=f"It has {', '.join(found) or 'none'}.",
            )
        return found[class_name]
    if len(found) != 1:
        raise StrategyError(
            f"{path} defines {len(found)} strategies.",
            field="strategy",
            value=str(path),
            fix=f"Name one: {path}:{next(iter(found))}." if found else "Define one class that derives from Strategy.",
        )
    return next(iter(found.values()))
