"""Asking hosts how they are set up; the clock of each is compared with ours on the way."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.clock import Clock
from reconciler.hosts.port import Answer, Call, Diagnose, Hosts, Target
from reconciler.model.diagnosis import Diagnosed, HostDiagnosis

Questions = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def diagnose(hosts: Hosts, targets: Sequence[Target], questions: Questions, clock: Clock) -> dict[str, Diagnosed]:
    """Return what each host answers, by name; ``questions`` are the peers and shares that each is to try."""
    asked = clock.now()
    answers = hosts.ask([Call(target, Diagnose(*questions.get(target.name, ((), ())))) for target in targets])
    answered = clock.now()
    return {answer.call.target.name: _diagnosed(answer, asked, answered) for answer in answers}


def _diagnosed(answer: Answer, asked: datetime, answered: datetime) -> Diagnosed:
    if isinstance(answer.value, HostDiagnosis):
        skew = _skew(answer.value.time, asked, answered)
        return Diagnosed(answer.value.model_copy(update={"clock_skew_seconds": skew}))
    failure = answer.failure
    return Diagnosed(None, failure.kind.value, failure.finding, failure.remedy) if failure else Diagnosed()


def _skew(told: str | None, asked: datetime, answered: datetime) -> float | None:
    """Return by how many seconds a host's clock is surely off: its time can lie anywhere between question and answer."""
    try:
        moment = datetime.fromisoformat(told) if told else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    return max(0.0, (asked - moment).total_seconds(), (moment - answered).total_seconds())
