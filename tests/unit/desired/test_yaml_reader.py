"""Strict YAML: the 1.2 core rules, positions, and what a hostile or broken file may not do."""

import pytest

from reconciler.desired.yaml_reader import MAXIMUM_BYTES, MAXIMUM_DEPTH, MAXIMUM_DOCUMENTS, read_yaml


def data_of(text: str) -> object:
    documents, problems = read_yaml("a.yaml", text.encode())
    assert problems == []
    return documents[0].data


def told(content: str | bytes) -> list[str]:
    _, problems = read_yaml("a.yaml", content if isinstance(content, bytes) else content.encode())
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("11:15:55:01:02:03", "11:15:55:01:02:03"),
        ("2026-01-01", "2026-01-01"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000),
        ("4096.0", 4096),
        ("0.5", 0.5),
        ("True", True),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("-", "-"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """The reader and an editor agree on every plain scalar."""
    found = data_of(f"a: [{text}]" if text != "-" else "a: ['-']")

    assert found == {"a": [value]}
    assert isinstance(found, dict)
    assert type(found["a"][0]) is type(value)


def test_plain_and_single_quoted_windows_paths_stay_as_written() -> None:
    r"""Backslashes mean nothing outside double quotes."""
    assert data_of("a: \\\\fs.contoso.com\\new\\temp\nb: 'D:\\temp'\n") == {
        "a": "\\\\fs.contoso.com\\new\\temp",
        "b": "D:\\temp",
    }


def test_positions_of_keys_and_values_are_kept() -> None:
    """Everything has the place of its key and of its value, through lists and after other documents."""
    documents, _ = read_yaml("a.yaml", b"# note\nx: 1\n---\na:\n  - b:   c\n")
    document = documents[1]

    assert str(document.key_place(("a", 0, "b"))) == "a.yaml:5"
    assert document.key_place(("a", 0, "b")).column == 5
    assert document.value_place(("a", 0, "b")).column == 10
    assert document.value_place(("a", 0, "missing", 7)).line == 5


def test_a_bomb_of_aliases_is_refused_before_it_unfolds() -> None:
    """Nine lines that stand for thousands of millions of values are one problem."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + index)}: &{chr(98 + index)} [{','.join(['*' + chr(97 + index)] * 10)}]" for index in range(9)]

    assert told("\n".join(lines)) == [
        "a.yaml:1:10: alias-limit: aliases of this file unfold to more than 10,000 values — "
        "write the values out; host groups share defaults"
    ]


def test_modest_aliases_are_allowed() -> None:
    """An anchor used a few times is ordinary YAML."""
    assert data_of("a: &a {b: [1]}\nc: [*a, *a]\n") == {"a": {"b": [1]}, "c": [{"b": [1]}, {"b": [1]}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]", "a.yaml:1:8: recursive-alias: the alias *a stands inside the value that it names — write the value out"),
        (
            "a: *b",
            "a.yaml:1:4: unknown-alias: the alias *b has no anchor &b before it in this document — "
            "define the anchor first, or write the value out",
        ),
        (
            "a: !python/object x",
            "a.yaml:1:4: unknown-tag: the tag !python/object is not known here — "
            "remove the tag; put the value in quotes if it is text",
        ),
        (
            "a: .inf",
            "a.yaml:1:4: bad-value: .inf is not a finite number — put it in quotes if it is text, else give a plain number",
        ),
        ("yes: 1\n12: 2", "a.yaml:2:1: bad-key: the key 12 is not text — put it in quotes: '12'"),
        ("? [a]\n: 1", "a.yaml:1:3: bad-key: a list or a mapping is used as a key — use text as the key"),
        ("a: &a [1]\n*a : 1", "a.yaml:2:1: bad-key: a list or a mapping is used as a key — use text as the key"),
        (
            "a: 'x\x07'",
            "a.yaml:1:6: control-character: the character U+0007 must not stand in YAML — "
            "remove it; in double quotes it can be written as an escape",
        ),
        (
            "\ta: 1",
            "a.yaml:1:1: syntax-error: found character that cannot start any token — "
            "indent with spaces, not tabs; put text that begins with @, ` or % in quotes",
        ),
        (b"ok: 1\nbad: \xff", "a.yaml:2:1: not-utf8: the file is not valid UTF-8 — save it as UTF-8"),
    ],
)
def test_what_yaml_allows_but_a_desired_state_does_not(text: str | bytes, message: str) -> None:
    """Each is one problem at its place, with what to write in its stead."""
    assert told(text) == [message]


def test_great_depth_is_a_problem_and_not_a_crash() -> None:
    """Megabytes of brackets are given up at the limit."""
    deep = f"a.yaml:1:{MAXIMUM_DEPTH + 1}: too-deep: values nest deeper than 40 levels — flatten the document"
    assert told("[" * 2_000_000) == [deep]
    assert told("[" * MAXIMUM_DEPTH + "]" * MAXIMUM_DEPTH) == []


def test_files_over_a_limit_are_refused() -> None:
    """Ten thousand documents and 10 MiB are the most a file may hold."""
    assert told("--- 1\n" * MAXIMUM_DOCUMENTS) == []
    assert told("--- 1\n" * (MAXIMUM_DOCUMENTS + 1))[0].startswith("a.yaml:10001:1: too-many-documents: ")
    assert told(b"#" * MAXIMUM_BYTES) == []
    assert told(b"#" * (MAXIMUM_BYTES + 1)) == [
        "a.yaml:1:1: file-too-large: the file is larger than 10 MiB — split it into several files"
    ]


def test_reading_goes_on_at_the_document_after_a_syntax_error() -> None:
    """One broken document costs just itself, also where its quote or bracket is never closed."""
    documents, problems = read_yaml("a.yaml", b"--- @\n---\na: 'x\n---\nb: 1\n---\nc: [1,\n---\nd: 2\n")

    assert [document.data for document in documents] == [{"b": 1}, {"d": 2}]
    assert [str(document.key_place(("d",))) for document in documents[1:]] == ["a.yaml:9"]
    assert [problem.place.line for problem in problems if problem.place] == [1, 4, 8]


def test_what_windows_editors_save_can_be_read() -> None:
    """A byte order mark, CRLF and the UTF-16 of older PowerShell make no difference."""
    for content in ("a: b\r\n".encode("utf-8-sig"), "a: b\r\n".encode("utf-16")):
        documents, problems = read_yaml("a.yaml", content)
        assert ([document.data for document in documents], problems) == ([{"a": "b"}], [])
