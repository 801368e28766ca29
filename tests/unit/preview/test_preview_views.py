"""What reviewers see: the same verdict in every form, whole within every forge's limit, whatever things are called."""

import json
import unicodedata
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.cli.agents import unobeyed, unobeyed_json
from reconciler.model.plan import Blocked, MachineRef, MachineStep, PlanProblem, SettingChange, SettingsStep
from reconciler.model.preview import Change, ComparedBlocked, ComparedStep, FieldChange, Preview, Risk, RiskLevel, Side
from reconciler.model.words import Action
from reconciler.preview import make_preview
from reconciler.report import preview_json, preview_markdown, preview_text
from reconciler.report.fitting import Section, fitted
from reconciler.report.forges import DIALECTS, ForgeName
from reconciler.report.preview_markdown import marker_of
from reconciler.report.preview_words import MOST_STATUS, status_text, variables, verdict
from tests.unit.preview import example
from tests.unit.preview.change import desired, preview, vm
from tests.unit.report.golden import is_updating
from tests.unit.report.test_hostile_names import NASTY

GOLDEN = Path(__file__).parent / "golden"
PARSER = MarkdownIt("commonmark").enable("table")


@pytest.fixture(scope="module")
def shown() -> Preview:
    return make_preview(*example.revisions(), example.observation(), example.NOW)[0]


@pytest.fixture(scope="module")
def large(shown: Preview) -> Preview:
    """Three thousand moves, each with a file and a reason, and as many changed fields."""
    move = next(step for step in shown.steps_of(Change.ADDED) if isinstance(step, MachineStep) and step.storage)
    steps = [renamed(move, f"VM{number:05}") for number in range(3000)]
    changes = tuple(
        FieldChange(subject=f"virtualMachine/VM{number:05}", change="changed", field="placement.host", source="a", target="b")
        for number in range(3000)
    )
    compared = tuple(ComparedStep(change=Change.ADDED, step=step) for step in steps)
    return shown.model_copy(update={"steps": compared, "changes": changes})


def renamed(move: MachineStep, name: str) -> MachineStep:
    return move.model_copy(update={"virtual_machine": MachineRef(id=name, name=name)})


def same_as_golden(name: str, text: str) -> bool:
    file = GOLDEN / name
    if is_updating():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("forge", ForgeName)
def test_the_comment_of_the_example_is_as_reviewed(shown: Preview, forge: ForgeName) -> None:
    """Whole comments, read in review; docs/pull-requests.md shows GitHub's."""
    assert same_as_golden(f"{forge.value}.md", preview_markdown(shown, forge))


def test_the_example_on_a_screen_is_as_reviewed(shown: Preview) -> None:
    assert same_as_golden("preview.txt", preview_text(shown, width=110))


@pytest.mark.parametrize("forge", ForgeName)
def test_a_head_with_errors_is_a_comment_with_all_of_them(forge: ForgeName) -> None:
    """At their lines, with what to do."""
    broken = preview(desired(vm("vm1", "Host1")), desired(vm("vm1", "Host1", ", colour: red"), vm("vm2", "Host8")))

    assert same_as_golden(f"bad-head-{forge.value}.md", preview_markdown(broken, forge))


def test_a_large_change_on_github_is_as_reviewed(large: Preview) -> None:
    """The table gives way to ways and kinds; what is missing is said."""
    assert same_as_golden("large-github.md", preview_markdown(large, ForgeName.GITHUB))


def test_the_document_follows_its_published_schema(shown: Preview) -> None:
    """And is read back as the same value."""
    schema = json.loads((example.ROOT / "schemas/preview.schema.json").read_text(encoding="utf-8"))
    document = json.loads(json.dumps(preview_json(shown)))

    Draft202012Validator(schema).validate(document)
    assert Preview.model_validate(document) == shown


@pytest.mark.parametrize("forge", ForgeName)
@pytest.mark.parametrize("share", [1, 0.3, 0.05])
def test_the_summary_always_fits_and_nothing_is_cut_in_the_middle(large: Preview, forge: ForgeName, share: float) -> None:
    """Also where a forge turns out to accept less than it says: what does not fit is left out whole, by name."""
    room = int(65_536 * share)
    text = preview_markdown(large, forge, artifact="plan.json", room=room)

    assert len(text) <= room
    assert f"### ‼ reconciler: {verdict(large)}" in text
    assert "Nothing has been changed" in text.splitlines()[-1]
    assert text.count("<details>") == text.count("</details>")
    left_out = next(line for line in text.splitlines() if line.startswith("**Left out**"))
    assert "changes of the desired state (3,000)" in left_out
    assert "The full plan is the artifact `plan.json`." in left_out


def test_what_fits_is_not_left_out(shown: Preview) -> None:
    """The example is nowhere near any limit."""
    assert all("Left out" not in preview_markdown(shown, forge) for forge in ForgeName)
    assert [DIALECTS[forge].limit for forge in ForgeName] == [65_536, 1_000_000, 150_000]


@given(st.lists(st.lists(st.text(alphabet="ab\n", max_size=30), min_size=1, max_size=3), max_size=5), st.integers(80, 200))
def test_sections_are_shown_whole_or_shorter_or_left_out_by_name(bodies: list[list[str]], room: int) -> None:
    """For any sections and any room that holds head, foot and the line of what is missing."""
    sections = [Section(f"t{at}", tuple(partial(str, body) for body in forms)) for at, forms in enumerate(bodies)]
    text = fitted("HEAD", sections, "FOOT", room, lambda titles: f"missing {' '.join(titles)}" if titles else "")

    missing = next((line.split()[1:] for line in text.splitlines() if line.startswith("missing")), [])
    assert len(text) <= room
    assert text.startswith("HEAD")
    assert text.endswith("FOOT\n")
    for section in sections:
        forms = [form().strip("\n") for form in section.forms]
        assert section.title in missing or any(form in text for form in forms)


def hostile(name: str) -> Preview:
    """A preview that says the name wherever a foreign text can stand."""
    problem = PlanProblem(code=name, subject=f"host/{name}", severity="error", finding=name, remedy=name, place=f"{name}:3")
    blocked = Blocked(subject=f"virtualMachine/{name}", code=name, finding=name, remedy=name, because=name, counts={name: 1})
    move = {"id": "s1", "action": Action.LIVE_MIGRATION_WITH_STORAGE, "virtual_machine": MachineRef(id=name, name=name)}
    files = {"storage": [{"file": name, "from": f"{name}\\a", "to": f"{name}\\b"}], "leaves_cluster": name}
    step = MachineStep.model_validate(
        move | files | {"source": name, "destination": name, "reason": name, "because": name, "unverified": (name,), "bytes": 1}
    )
    setting = SettingsStep(
        id="s2", action=Action.CONFIGURE_HOST, host=name, settings=(SettingChange(field=name, source=name, target=[name]),)
    )
    return Preview(
        base=Side(name=name, problems=(problem,)),
        head=Side(name=name, commit=name, fingerprint="sha256:0123456789abcdef", problems=(problem,)),
        observation={"digest": "sha256:o", "observed_at": example.NOW},
        summary={"live_migrations": 1, "storage_migrations": 1, "needed_migrations": 2},
        changes=tuple(
            FieldChange(subject=f"host/{name}", change=change, field=field, source=name, target=name, place=name)
            for change, field in (("changed", name), ("removed", ""))
        ),
        steps=tuple(ComparedStep(change=change, step=one) for change in Change for one in (step, setting)),
        blocked=tuple(ComparedBlocked(change=change, blocked=blocked) for change in Change),
        problems=(problem,),
        risk=Risk(level=RiskLevel.HIGH, reasons=(name,)),
    )


def tokens(markdown: str) -> Iterator[Token]:
    return (inner for token in PARSER.parse(markdown) for inner in (token, *(token.children or [])))


def blocks_of(markdown: str) -> list[str]:
    return [token.type for token in PARSER.parse(markdown)]


TAME_BLOCKS = blocks_of(preview_markdown(hostile("tame"), ForgeName.GITLAB))


@given(NASTY.filter(bool))
@settings(max_examples=40, deadline=None)
def test_no_name_changes_the_shape_of_a_comment(name: str) -> None:
    """Same blocks, no link, no tag of its own, no mention, no quick action, no command to an agent."""
    text = preview_markdown(hostile(name), ForgeName.GITLAB)
    found = list(tokens(text))

    assert blocks_of(text) == TAME_BLOCKS
    assert not {token.type for token in found} & {"link_open", "image", "html_inline"}
    outside_code = "".join(token.content for token in found if token.type in ("text", "text_special"))
    assert "@ops" not in outside_code
    assert "#12" not in outside_code
    assert not [line for line in text.splitlines() if line.lstrip(" -").startswith("/")]


ACTIONS = ["/close", "/merge", "##vso[task.setvariable variable=x]y", "##[error]x", "::error::x", "@all", "%v1", "~bug", "$1"]


@pytest.mark.parametrize("name", ACTIONS)
def test_names_that_forges_and_agents_obey_are_taken_apart(name: str) -> None:
    """GitLab's quick actions stand at the head of a line, Azure's commands anywhere in a log, GitHub's at the head."""
    broken = hostile(name)
    document = json.dumps(preview_json(broken), indent=2, ensure_ascii=False)
    log = unobeyed("\n".join([preview_text(broken, width=80), preview_markdown(broken, ForgeName.AZURE_DEVOPS), name]))

    assert "##vso[" not in log + unobeyed_json(document)
    assert "##[" not in log + unobeyed_json(document)
    assert json.loads(unobeyed_json(document)) == json.loads(document)
    assert not [line for line in log.splitlines() if line.lstrip().startswith("::")]
    assert not [line for line in preview_markdown(broken, ForgeName.GITLAB).splitlines() if line.startswith("/")]


@given(NASTY.filter(bool))
@settings(max_examples=40, deadline=None)
def test_no_name_emits_a_control_character_on_a_terminal(name: str) -> None:
    """Only our own line ends, and the zero-width spaces that take commands apart."""
    text = preview_text(hostile(name)).replace("\n", "").replace("\u200b", "")

    assert {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


@given(NASTY.filter(bool))
def test_status_and_variables_hold_no_name(name: str) -> None:
    """They end up in places that know no escape."""
    assert status_text(hostile(name)) == status_text(hostile("tame"))
    assert variables(hostile(name)) == variables(hostile("tame"))
    assert len(status_text(hostile(name))) <= MOST_STATUS


def test_all_views_say_the_same(shown: Preview) -> None:
    """One value feeds them all."""
    texts = [preview_text(shown), *(preview_markdown(shown, forge) for forge in ForgeName), status_text(shown)]

    assert all(verdict(shown) in text for text in texts)
    assert variables(shown) == {
        "hasChanges": "true",
        "moves": "8",
        "addedMoves": "6",
        "blocked": "0",
        "risk": "high",
        "valid": "true",
    }


def test_comments_of_several_fleets_have_markers_of_their_own() -> None:
    """A repository may serve more than one fleet, and each edits its own comment only."""
    markers = [marker_of(), marker_of("east"), marker_of("west")]

    assert len(set(markers)) == 3
    assert not [one for one in markers for other in markers if one != other and one.startswith(other)]
