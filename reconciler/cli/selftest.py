"""``reconciler selftest``: one real host tries every reading script; the report has no names and can be sent on."""

import json
from pathlib import Path
from typing import Annotated

import typer

import reconciler
from reconciler.cli.arguments import ConfigFile
from reconciler.cli.console import fail, finish, print_data, say, use_color
from reconciler.cli.inputs import configured
from reconciler.hosts.port import Call, Hosts, Target
from reconciler.hosts.winrm.recorded import Recorder
from reconciler.model.exit_codes import ExitCode
from reconciler.model.problem import Problem
from reconciler.model.selftest import SelfTest
from reconciler.report.selftest import selftest_text
from reconciler.selftest import QUESTIONS, Redactor, more_questions, verdicts
from reconciler.wiring import recorded_hosts, system_clock


def selftest(
    host: Annotated[str, typer.Argument(metavar="HOST", help="DNS name of the host.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the report.")] = Path("selftest.json"),
    config: ConfigFile = None,
) -> None:
    """Try on one host all that only reads: scripts, encodings, large answers, quotas. Exits 6 where an exercise fails."""
    clock = system_clock()
    target = Target(host.partition(".")[0], host)
    with configured(lambda: recorded_hosts(config, clock)) as (hosts, recorder, reader):
        say(f"Asking {host} ...")
        report = self_test(hosts, recorder, target, (host, reader.username, reader.url_of(target)))
    _save(report, out)
    print_data(selftest_text(report, color=use_color()))
    say(f"Saved to {out}. Names, addresses and ids are replaced; read it before you send it.")
    finish(ExitCode.DONE if report.passed else ExitCode.PARTLY)


def self_test(hosts: Hosts, recorder: Recorder, target: Target, known: tuple[str, ...]) -> SelfTest:
    """Ask a host everything and return the report without names; ``known`` are names that sentences may hold."""
    answers = hosts.ask([Call(target, question) for question in QUESTIONS])
    answers += hosts.ask([Call(target, question) for question in more_questions(answers)])
    raw = SelfTest(
        program=f"reconciler {reconciler.__version__}", exercises=verdicts(answers), exchanges=tuple(recorder.exchanges)
    )
    document = raw.to_json()
    redactor = Redactor(*known)
    # The exchanges come first: from them the names are learnt that sentences of the exercises may hold.
    exchanges = redactor.redacted(document["exchanges"])
    exercises = [one | {"finding": redactor.redacted({"finding": one["finding"]})["finding"]} for one in document["exercises"]]
    return SelfTest.model_validate(document | {"exchanges": exchanges, "exercises": exercises})


def _save(report: SelfTest, file: Path) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        remedy = "name a file that does not exist yet, in a folder that can be written, with --out"
        fail(Problem("cannot-write", f"{error.strerror or error}", remedy, subject=str(file)))
