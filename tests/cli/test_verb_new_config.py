"""real-trade new-config."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from real_trade.utils.config import GlobalConfig

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_it_writes_a_file_that_says_what_the_defaults_say(cli: Cli, tmp_path: Path) -> None:
    for name in ("real-trade.toml", "other.json"):
        ran = cli("new-config", name, "--json")
        assert (ran.code, ran.json) == (0, {"path": name})
        path = tmp_path / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert GlobalConfig.from_json(path) == GlobalConfig()
    assert cli("show-config", "-c", "real-trade.toml").code == 0


def test_every_setting_is_explained_and_can_be_uncommented(cli: Cli, tmp_path: Path) -> None:
    cli("new-config")
    text = (tmp_path / "real-trade.toml").read_text()
    for name in GlobalConfig.model_fields:
        assert f"\n{name} = " in text or f"\n# {name} = " in text or f"\n[{name}]" in text
    bare = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines() if "one market" not in line
    )
    values = tomllib.loads("\n".join(line for line in bare.splitlines() if line.startswith("[") or " = " in line))
    assert set(values) == set(GlobalConfig.model_fields)


def test_it_never_overwrites(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "real-trade.toml"
    path.write_text("mine")
    ran = cli("new-config", "--json")
    assert (ran.code, ran.error["code"]) == (2, "file_exists")
    assert path.read_text() == "mine"
    assert cli("new-config", "x.ini", "--json").error["code"] == "unknown_config_kind"
    assert cli("new-config", "nowhere/x.toml", "--json").error["code"] == "no_folder"
    assert json.loads(cli("new-config", "y.json", "--json").out) == {"path": "y.json"}
