"""Logging: to stderr and a file, by level, without secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from real_trade.model.errors import InputError
from real_trade.utils.config import GlobalConfig
from real_trade.utils.logger import Logger, get_logger, setup_logger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"real_trade.test_logger.{request.node.name}"


def test_it_writes_to_stderr_by_level(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logger = setup_logger(name, level="warning")
    assert isinstance(logger, Logger)
    logger.info("quiet")
    get_logger(f"{name}.below").warning("loud")
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "quiet" not in seen.err
    assert f"{name}.below: loud" in seen.err


def test_calling_it_again_replaces_the_handlers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logger(name)
    setup_logger(name, fmt="<%(message)s>").info("once")
    assert capsys.readouterr().err == "<once>\n"


def test_a_file_is_appended_to_and_private(name: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    for word in ("one", "two"):
        logger = setup_logger(name, log_file=path)
        logger.info(word)
    assert path.stat().st_mode & 0o077 == 0
    text = path.read_text()
    assert text.index("one") < text.index("two")
    setup_logger(name)


def test_secrets_are_masked_in_text_arguments_and_tracebacks(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = GlobalConfig(apikey="key-abcdefgh", secret="word-abcdefgh")
    logger = setup_logger(name, level="DEBUG")
    logger.debug("signed with %s", config.secret)
    logger.debug(f"config {config!r}")  # noqa: G004 - the careless way is the one to test
    logger.debug("proxy http://me:pass-word@host:1")
    try:
        int(config.apikey)
    except ValueError:
        logger.exception("failed")
    seen = capsys.readouterr().err
    assert "abcdefgh" not in seen
    assert "pass-word" not in seen
    assert "ValueError: invalid literal" in seen


def test_names_and_levels() -> None:
    assert get_logger("data").name == "real_trade.data"
    assert get_logger("real_trade").name == "real_trade"
    assert isinstance(get_logger("x"), logging.Logger)
    with pytest.raises(InputError, match="Unknown log level"):
        setup_logger("real_trade.none", level="LOUD")
    with pytest.raises(InputError, match="cannot be opened"):
        setup_logger("real_trade.none", log_file="/nowhere/at/all.log")
