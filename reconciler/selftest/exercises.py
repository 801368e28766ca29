"""What a self-test asks of a host, all of it reading, and what its answers say. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.hosts.port import (
    Answer,
    CheckMigration,
    Diagnose,
    Echo,
    Echoed,
    HostReport,
    ListEvents,
    ListMigrations,
    Operation,
    Survey,
)
from reconciler.model.diagnosis import HostDiagnosis
from reconciler.model.selftest import Exercise
from reconciler.model.words import HostStatus, MigrationKind

# Umlauts, a letter of two code points, an emoji beyond the first plane, quotes of both kinds, what PowerShell and JSON escape.
TEXTS = (
    "Grüße aus Zürich",
    "e\u0301 and \u00e9",
    "\U0001f680 lift-off",
    'it\'s "quoted"',
    "\u2018curly\u2019 \u201cquotes\u201d",
    "a `backtick`, a $variable, a %percent%, a \\backslash",
    "one\ttab\r\none line",
    " spaces around ",
    "日本語",
)
LARGE = 1_000_000  # characters; several times the largest envelope of WinRM
REPEATS = 20
QUESTIONS: tuple[Operation, ...] = (
    Echo(("ready",)),
    Survey(),
    ListMigrations(),
    ListEvents(),
    Diagnose(),
    Echo(TEXTS),
    Echo(("large",), LARGE),
    *(Echo((f"again {number}",)) for number in range(REPEATS)),
)


def more_questions(answers: Sequence[Answer]) -> tuple[Operation, ...]:
    """Return what can be asked once the machines are known: may the first of them move its storage? Nothing is moved."""
    report = next((answer.value for answer in answers if isinstance(answer.value, HostReport)), None)
    machines = report.host.virtual_machines if report else ()
    return tuple(CheckMigration(machine.id, MigrationKind.STORAGE) for machine in machines[:1])


def verdicts(answers: Sequence[Answer]) -> tuple[Exercise, ...]:
    """Return how each exercise went, in the order they were asked."""
    return tuple(_named(answers))


def _named(answers: Sequence[Answer]) -> Iterator[Exercise]:
    echoes = [answer for answer in answers if isinstance(answer.call.operation, Echo)]
    yield _plain("bootstrap", echoes[0])
    for answer in answers:
        if isinstance(answer.call.operation, Survey):
            yield _survey(answer)
        elif isinstance(answer.call.operation, ListMigrations):
            yield _plain("migrations", answer)
        elif isinstance(answer.call.operation, ListEvents):
            yield _plain("events", answer)
        elif isinstance(answer.call.operation, Diagnose):
            yield _plain("diagnosis", answer)
            yield _quotas(answer)
        elif isinstance(answer.call.operation, CheckMigration):
            yield _check(answer)
    yield from (_text(echoes, number) for number in range(len(TEXTS)))
    yield _large(echoes)
    failed = [answer for answer in echoes[3:] if answer.failure is not None]
    yield Exercise(
        name="many calls", passed=not failed, finding=f"{len(echoes[3:]) - len(failed)} of {len(echoes[3:])} answered"
    )


def _plain(name: str, answer: Answer) -> Exercise:
    return Exercise(
        name=name, passed=answer.failure is None, finding=answer.failure.kind.value if answer.failure else "answered"
    )


def _survey(answer: Answer) -> Exercise:
    if not isinstance(answer.value, HostReport):
        return _plain("survey", answer)
    host = answer.value.host
    finding = f"{len(host.virtual_machines)} machines, {host.status.value}" + (f": {host.problem}" if host.problem else "")
    return Exercise(name="survey", passed=host.status is HostStatus.OK, finding=finding)


def _check(answer: Answer) -> Exercise:
    """A refusal is an answer too: it is about the machine, not about the way to ask."""
    refused = answer.failure is not None and answer.failure.code is not None
    finding = f"refused ({answer.failure.code})" if answer.failure and refused else _plain("", answer).finding
    return Exercise(name="migration check", passed=answer.failure is None or refused, finding=finding)


def _quotas(answer: Answer) -> Exercise:
    quotas = answer.value.quotas if isinstance(answer.value, HostDiagnosis) else None
    if quotas is None:
        return Exercise(name="quotas", passed=False, finding="not readable")
    told = ", ".join(f"{name} {value}" for name, value in quotas.to_json().items())
    return Exercise(name="quotas", passed=True, finding=told)


def _text(echoes: Sequence[Answer], number: int) -> Exercise:
    sent, name = TEXTS[number], f"text {number + 1}"
    value = echoes[1].value if len(echoes) > 1 else None
    if not isinstance(value, Echoed) or len(value.texts) != len(TEXTS):
        return Exercise(name=name, passed=False, finding="no answer")
    came, length = value.texts[number], value.lengths[number]
    if came != sent:
        return Exercise(name=name, passed=False, finding=f"sent {sent!a}, came back {came!a}")
    units = len(sent.encode("utf-16-le")) // 2
    return Exercise(name=name, passed=length == units, finding=f"{sent!a}: {length} units there, {units} here")


def _large(echoes: Sequence[Answer]) -> Exercise:
    value = echoes[2].value if len(echoes) > 2 else None
    came = value.filler_length if isinstance(value, Echoed) else 0
    return Exercise(name="large answer", passed=came == LARGE, finding=f"{came} of {LARGE} characters")
