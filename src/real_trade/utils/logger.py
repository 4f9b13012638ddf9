"""Logging over the standard library: to stderr, in UTC, with secrets masked."""

from __future__ import annotations

import logging
import sys
import time
from logging import Logger
from typing import TYPE_CHECKING, Final, TextIO

from real_trade.model.errors import InputError
from real_trade.utils.settings_secret import mask_secrets

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Logger", "get_logger", "setup_logger"]

_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_DATE: Final = "%Y-%m-%dT%H:%M:%S"
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def setup_logger(
    name: str = "real_trade",
    level: str = "INFO",
    log_file: str | Path | None = None,
    fmt: str | None = None,
) -> Logger:
    """Return a logger that writes to stderr and, if asked, to a file. Calling it again replaces its handlers.

    Args:
        name: the logger; those below it (``real_trade.data``) write through it.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case.
        log_file: a file to append to; it is made readable by its owner only.
        fmt: a format of the standard library in place of the house's own.

    Raises:
        InputError: no such level, or the file cannot be opened.
    """
    word = level.strip().upper()
    if word not in _LEVELS:
        raise InputError(
            f"Unknown log level {level!r}.",
            code="unknown_log_level",
            field="level",
            value=level,
            fix=f"Use one of {', '.join(_LEVELS)}.",
        )
    handlers: list[logging.Handler] = [_StderrHandler()]
    if log_file is not None:
        handlers.append(_file_handler(log_file))
    logger = logging.getLogger(name)
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(_MaskingFormatter(fmt or _FORMAT, _DATE))
        logger.addHandler(handler)
    logger.setLevel(word)
    logger.propagate = False
    return logger


def get_logger(name: str) -> Logger:
    """Return the logger of that name; names outside the package are put below ``real_trade``.

    >>> get_logger("data.download").name
    'real_trade.data.download'
    """
    inside = name == "real_trade" or name.startswith("real_trade.")
    return logging.getLogger(name if inside else f"real_trade.{name}")


class _MaskingFormatter(logging.Formatter):
    """Mask the finished line, so that arguments and tracebacks are covered too."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return mask_secrets(super().format(record))


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Write to whatever stderr is at the moment of writing, as a redirection expects."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # an attribute of the parent
        """Return stderr."""
        return sys.stderr


def _file_handler(path: str | Path) -> logging.Handler:
    import os

    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The log file {path} cannot be opened: {error.strerror}.",
            code="bad_log_file",
            field="log_file",
            value=str(path),
            fix="Name a file in a folder that you may write to.",
        ) from None
