"""real-trade show-config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .conftest import Cli


def test_it_shows_each_value_and_its_origin(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('symbol = "ETHUSDT"\n[binance.linear]\nrest_url = "https://other.example"\n')
    monkeypatch.setenv("RT_TIMEFRAME", "1h")
    ran = cli("show-config", "--json", "-c", file, "--venue", "binance")
    assert ran.code == 0
    settings = ran.json["settings"]
    assert settings["symbol"] == {"value": "ETHUSDT", "origin": f"{file}:1"}
    assert settings["binance.linear.rest_url"] == {"value": "https://other.example", "origin": f"{file}:3"}
    assert settings["timeframe"] == {"value": "1h", "origin": "environment RT_TIMEFRAME"}
    assert settings["exchange"] == {"value": "binance", "origin": "flag --venue"}
    assert settings["initial_cash"] == {"value": 10000.0, "origin": "default"}
    text = cli("show-config", "-c", file).out
    assert f'"ETHUSDT"                {file}:1' in text or "ETHUSDT" in text


def test_later_files_win(cli: Cli, tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.yaml"
    one.write_text('{"symbol": "ONE", "timeout": 5}')
    two.write_text("symbol: TWO\n")
    settings = cli("show-config", "--json", "-c", one, "-c", two).json["settings"]
    assert (settings["symbol"]["value"], settings["timeout"]["value"]) == ("TWO", 5.0)


def test_secrets_are_masked_wherever_they_come_from(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"secret": "word-abcdefgh", "proxy": "http://me:pass-word@h:1"}')
    file.chmod(0o644)
    monkeypatch.setenv("RT_APIKEY", "key-abcdefgh")
    for words in (["show-config"], ["show-config", "--json"]):
        ran = cli(*words, "-c", file)
        assert ran.code == 0
        assert "abcdefgh" not in ran.out + ran.err
        assert "pass-word" not in ran.out + ran.err
        assert "***" in ran.out
        assert "chmod 600" in ran.err


def test_the_schema_is_printed(cli: Cli) -> None:
    ran = cli("show-config", "--schema")
    assert json.loads(ran.out) == cli("show-config", "--schema", "--json").json
    assert ran.out.strip() == (Path(__file__).parents[2] / "docs" / "config.schema.json").read_text().strip()
