"""What tests of runs share: the user's own key."""

from __future__ import annotations

import pytest
from run.canaries import KEY


@pytest.fixture
def own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set MEDAUG_KEY."""
    monkeypatch.setenv("MEDAUG_KEY", KEY)
