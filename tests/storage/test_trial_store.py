"""The registry of trials in the records database: its contract, many processes at once, and databases from before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from real_trade.model import HistoricalClock
from real_trade.storage import engine as engines
from real_trade.storage import open_records
from real_trade.storage.sql import SqlStore
from real_trade.testing import TrialContract
from real_trade.testing.relational_contract import TIME_MS, make_trade
from real_trade.testing.trial_contract import DATA, make_trial

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


class TestSqliteTrialStore(TrialContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlStore]:
        store = SqlStore(f"sqlite:///{tmp_path}/records.sqlite")
        yield store
        store.close()


def test_processes_count_the_same_trials_once(
    tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    program = tmp_path / "counter.py"
    program.write_text(
        "import sys; from real_trade.storage import open_records\n"
        "from real_trade.testing.trial_contract import make_trial\n"
        "store = open_records(sys.argv[1])\n"
        "print(sum(store.save_trial(make_trial(n)) for n in range(int(sys.argv[2]), int(sys.argv[2]) + 40)))\n"
    )
    # Four processes on a database that none of them finds; each shares half of its trials with its neighbours.
    counters = [start_python(program, tmp_path / "data", first) for first in (0, 20, 40, 60)]
    new = 0
    for counter in counters:
        output, errors = counter.communicate(timeout=60)
        assert counter.returncode == 0, errors
        new += int(output)
    store = open_records(tmp_path / "data")
    assert new == len(store.trials("sma_cross", DATA)) == 100
    assert {trial.params["fast"] for trial in store.trials("sma_cross", DATA)} == set(range(100))
    store.close()


def test_trials_stay_when_opened_again_and_keep_their_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.sqlite"
    store = SqlStore(url, clock=HistoricalClock(TIME_MS))
    store.save_trial(make_trial())
    store.close()
    again = SqlStore(url, clock=HistoricalClock(TIME_MS + 5))
    assert not again.save_trial(make_trial())
    assert again.save_trial(make_trial(2))
    assert [trial.time_ms for trial in again.trials("sma_cross", DATA)] == [TIME_MS, TIME_MS + 5]
    again.close()


def test_a_database_of_the_first_version_keeps_its_records(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.sqlite"
    old = create_engine(url)
    with old.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(engines._MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO trades (trade_id, venue, market, symbol, side, price, quantity, fee, time_ms, extra) "
            "VALUES ('t-1', 'bybit', 'linear', 'BTCUSDT', 'buy', '1.50', '2', '0', 1704067200001, '{}')"
        )
    old.dispose()
    store = SqlStore(url)
    assert [str(trade["price"]) for trade in store.trades()] == ["1.50"]
    assert store.save_trade(make_trade(1)) == 1, "the same trade is still known"
    assert store.save_trial(make_trial())
    store.close()
