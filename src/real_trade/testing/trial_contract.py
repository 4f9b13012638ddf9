"""What every `TrialStore` does: subclass `TrialContract` and supply an empty one as the fixture ``store``."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.model.errors import InputError
from real_trade.storage.ports import Trial

if TYPE_CHECKING:
    from real_trade.storage.ports import TrialStore

DATA = "d" * 64


def make_trial(number: int = 1, **changes: Any) -> Trial:
    """Return a whole trial whose settings bear a number; ``changes`` replace fields."""
    trial = Trial(
        strategy="sma_cross",
        data_hash=DATA,
        code_hash="c" * 64,
        config_hash=f"{number:064x}",
        params={"fast": number, "size": "0.010", "mode": "long_flat"},
        observations=365,
        sharpe=0.1 + number / 3,
        skewness=-math.pi,
        kurtosis=1e300 / 7,
    )
    return replace(trial, **changes)


class TrialContract:
    """Trials are counted once each, by strategy and data, and come back as they were."""

    def test_trial_comes_back_to_the_last_bit(self, store: TrialStore) -> None:
        """Every field but the time is as it was given; the time is set."""
        assert store.save_trial(make_trial())
        (trial,) = store.trials("sma_cross", DATA)
        assert trial.time_ms > 0
        assert replace(trial, time_ms=0) == make_trial()

    def test_figures_that_are_not_there_stay_so(self, store: TrialStore) -> None:
        """A backtest without trades has no Sharpe ratio, and counts all the same."""
        bare = make_trial(sharpe=None, skewness=None, kurtosis=None, observations=0, params={})
        assert store.save_trial(bare)
        (trial,) = store.trials("sma_cross", DATA)
        assert replace(trial, time_ms=0) == bare

    def test_the_same_again_is_no_new_trial(self, store: TrialStore) -> None:
        """The first time and figures stay."""
        assert store.save_trial(make_trial())
        first = store.trials("sma_cross", DATA)
        assert not store.save_trial(make_trial(sharpe=9.0))
        assert store.trials("sma_cross", DATA) == first

    @pytest.mark.parametrize("name", ["code_hash", "config_hash"])
    def test_other_code_or_settings_are_a_further_trial(self, store: TrialStore, name: str) -> None:
        """Whatever is changed and tried again is another draw."""
        assert store.save_trial(make_trial())
        changes: dict[str, Any] = {name: "e" * 64}
        assert store.save_trial(make_trial(**changes))
        assert len(store.trials("sma_cross", DATA)) == 2

    @pytest.mark.parametrize(("name", "value"), [("strategy", "SMA_CROSS"), ("data_hash", "f" * 64)])
    def test_strategies_and_data_are_counted_apart(self, store: TrialStore, name: str, value: str) -> None:
        """Names differ by case too."""
        changes: dict[str, Any] = {name: value}
        store.save_trial(make_trial())
        store.save_trial(make_trial(**changes))
        assert len(store.trials("sma_cross", DATA)) == 1
        other = make_trial(**changes)
        assert [replace(t, time_ms=0) for t in store.trials(other.strategy, other.data_hash)] == [other]
        assert store.trials("nobody", DATA) == []

    def test_trials_come_in_order(self, store: TrialStore) -> None:
        """As they were counted, not by their settings."""
        for number in (3, 1, 2):
            store.save_trial(make_trial(number))
        found = store.trials("sma_cross", DATA)
        assert [trial.params["fast"] for trial in found] == [3, 1, 2]
        assert [t.time_ms for t in found] == sorted(t.time_ms for t in found)

    @pytest.mark.parametrize(
        ("name", "value"), [("strategy", ""), ("strategy", "x" * 129), ("params", {"x": float("nan")})]
    )
    def test_wrong_field_is_named(self, store: TrialStore, name: str, value: object) -> None:
        """What would not come back as it was given is refused."""
        changes: dict[str, Any] = {name: value}
        with pytest.raises(InputError) as caught:
            store.save_trial(make_trial(**changes))
        assert caught.value.field == name
        assert store.trials("sma_cross", DATA) == []

    def test_many_writers(self, store: TrialStore) -> None:
        """Threads that count at once lose nothing, and count the same trial once."""
        with ThreadPoolExecutor(4) as pool:
            new = list(pool.map(lambda n: store.save_trial(make_trial(n // 2)), range(40)))
        assert sum(new) == 20
        assert len(store.trials("sma_cross", DATA)) == 20
