"""No test reads or writes the store of whoever runs them, and none depends on how wide their terminal is."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Laws are about answers, not about how long a busy machine takes to give them; and a check says the same of the same
# commit every time: new examples are drawn by the sweeps (`make sweep`), which nobody's merge waits for.
settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _a_state_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp() / "no-state"
    monkeypatch.setenv("RECONCILER_STATE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _a_width_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
