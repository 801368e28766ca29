"""Whatever a machine is called, it stays a name: in a terminal, in a table cell, in a sentence."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.model.observation import Observation
from reconciler.model.plan import Blocked, Summary
from reconciler.report import observation_text, plan_markdown, plan_text
from reconciler.report.console import line
from reconciler.report.escape import clean, code, prose
from tests.unit.report.fleet import SEEN, a_desired, a_host, a_move, a_plan, a_quiet_observation

NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "|",
                "`",
                "``",
                "</details>",
                "<!--",
                "-->",
                "\n",
                "\r\n",
                "\x1b[2J",
                "\u202e",
                "@ops",
                "#12",
                "](http://x)",
                "\\",
                "**",
                "- ",
                "1. ",
                "===",
                "    ",
                "  ",
            ]
        ),
        st.text(max_size=6),
    ),
    min_size=1,
    max_size=6,
).map("".join)

PARSER = MarkdownIt("commonmark").enable("table")


def tokens_of(markdown: str) -> list[Token]:
    return [inner for token in PARSER.parse(markdown) for inner in (token, *(token.children or []))]


@given(NASTY)
def test_no_name_emits_a_control_character_on_a_terminal(name: str) -> None:
    """Nothing but printable characters and our own line ends leaves a text view; lines stay as many."""
    plan = a_plan(
        a_move(name, because=name), blocked=(Blocked(subject=f"virtualMachine/{name}", code="c", finding=name, remedy=name),)
    )
    plain = plan_text(a_plan(a_move("x")), a_desired(), a_quiet_observation())
    text = plan_text(plan, a_desired(), a_quiet_observation()) + observation_text(
        Observation(observed_at=SEEN, hosts=(a_host(name, cluster=name, status="partial", problem=name),))
    )
    assert {unicodedata.category(char) for char in text.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    assert text.splitlines()[:2] == plain.splitlines()[:2]


@given(NASTY)
def test_no_name_breaks_out_of_its_table_cell(name: str) -> None:
    """A markdown parser finds the same cells, and the name whole inside one code span."""
    row = f"| a | b |\n| --- | --- |\n| {code(name)} | next |\n"
    found = tokens_of(row)
    assert [token.content for token in found if token.type == "inline"] == ["a", "b", code(name), "next"]
    spans = [token.content for token in found if token.type == "code_inline"]
    # A code span of spaces alone keeps them all; otherwise one space on each side may be padding.
    assert [span.strip(" ") for span in spans] == [(clean(name).replace("|", "\\x7c") or "?").strip(" ")]


@given(NASTY)
@example("1. x")
@example("- x")
@example("@ops")
def test_no_sentence_turns_into_markup(name: str) -> None:
    """A finding or a remedy is text and nothing else: no link, tag, emphasis, mention or second paragraph."""
    found = tokens_of(f"{prose(name)} y")
    assert {token.type for token in found} <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    shown = "".join(token.content for token in found if token.type in ("text", "text_special"))
    assert shown.replace("\u200b", "").split() == f"{clean(name)} y".split()
    assert "@ops" not in shown


@given(NASTY)
def test_no_name_changes_the_shape_of_a_comment(name: str) -> None:
    """The whole comment has the same blocks for a hostile machine as for a tame one."""

    def shape(machine: str) -> list[str]:
        blocked = (
            Blocked(subject=f"virtualMachine/{machine}", code="no-room", finding=machine, remedy=machine, because=machine),
        )
        step = a_move(machine, because=machine, unverified=(machine,), source=machine)
        plan = a_plan(step, blocked=blocked, summary=Summary(live_migrations=1))
        return [token.type for token in PARSER.parse(plan_markdown(plan, a_desired(), a_quiet_observation()))]

    assert shape(name) == shape("tame")


@pytest.mark.parametrize("trap", ["@ops", "#12", "!7", "GH-12", "https://evil.example", "www.evil.example", "ops@contoso.com"])
def test_nobody_is_notified_and_nothing_is_linked_by_a_name(trap: str) -> None:
    """Forges find mentions, references and addresses in finished text; a zero-width space takes the pattern apart."""
    shown = "".join(token.content for token in tokens_of(prose(trap)) if token.type in ("text", "text_special"))
    assert shown != trap
    assert shown.replace("\u200b", "") == trap


def test_a_drawn_line_holds_no_foreign_character() -> None:
    """The building block of all text views makes harmless what it is given, styled or not."""
    assert line("a\x1b[2J", ("b\u202e", "bold")).plain == "a\\x1b[2Jb\\u202e"
