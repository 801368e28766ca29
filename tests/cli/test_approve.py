"""``approve``: a plan, a preview or a fingerprint; into the store, or to the service over TLS with an operator's token."""

import json
import ssl
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.seam.test_https import an_authority
from tests.unit.api.serving import served

STORY = Path(__file__).parents[1] / "scenarios" / "stand-alone"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    main(["plan", str(STORY / "desired"), "--observation", str(STORY / "observed.json"), "--out", str(file)])
    return file


def fingerprint_of(plan: Path) -> str:
    return str(json.loads(plan.read_text("utf-8"))["fingerprint"])


def test_a_saved_plan_is_approved_in_the_store_and_stands_in_the_history(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, plan: Path
) -> None:
    state = ["--state", str(tmp_path / "store.sqlite3")]

    assert main(["approve", str(plan), *state]) == 0
    assert fingerprint_of(plan) in capsys.readouterr().out
    assert main(["history", *state, "-o", "json"]) == 0
    (event,) = json.loads(capsys.readouterr().out)["events"]
    assert (event["what"], event["subject"]) == ("plan-approved", f"plan/{fingerprint_of(plan)}")


@pytest.mark.parametrize("given", ["sha256:short", "nowhere.json", str(STORY / "observed.json")])
def test_what_is_no_plan_is_refused_and_nothing_is_recorded(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: str
) -> None:
    state = ["--state", str(tmp_path / "store.sqlite3")]

    assert main(["approve", given, *state]) == 1
    main(["history", *state])
    assert "Nothing is recorded." in capsys.readouterr().out


def test_the_service_takes_it_over_tls_from_an_operator_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer's token does not do; a certificate of nobody we trust ends it before the token is sent."""
    authority = an_authority(tmp_path, "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("service"))
    with served(tls=context) as api:
        approve = ["approve", str(plan), "--service", api.url]
        assert main(approve) == 1
        assert "RECONCILER_TOKEN is not set" in capsys.readouterr().err
        monkeypatch.setenv("RECONCILER_TOKEN", "operator")
        assert main(approve) == 1
        assert "certificate" in capsys.readouterr().err.casefold()
        assert api.asked == []

        monkeypatch.setenv("SSL_CERT_FILE", authority.path)
        assert main(approve) == 0
        assert api.asked[0].order.fingerprint == fingerprint_of(plan)  # type: ignore[union-attr]
        monkeypatch.setenv("RECONCILER_TOKEN", "viewer")
        assert main(approve) == 1
        told = capsys.readouterr().err
    assert "403" in told
