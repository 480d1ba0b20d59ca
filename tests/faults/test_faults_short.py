"""The fault plan in its short form: every experiment with a few injections and no violation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.plan import PLAN

if TYPE_CHECKING:
    from pathlib import Path

    from faults.experiment import Experiment


@pytest.mark.parametrize("experiment", [one for one in PLAN if one.short], ids=lambda one: one.id)
def test_no_promise_is_broken(experiment: Experiment, tmp_path: Path) -> None:
    outcome = experiment.work(tmp_path, experiment.short)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.violations == []
    assert outcome.injections >= experiment.short
