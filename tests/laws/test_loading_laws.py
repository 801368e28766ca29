"""What makes loading fast changes no answer: the short way of reading, the quick check of shapes, and kept answers."""

import random
import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.desired import Loaded, SourceFile, load_desired
from reconciler.desired.documents import YamlDocument
from reconciler.desired.load import WORTH_KEEPING_BYTES
from reconciler.desired.schemas import KINDS, quickly_sound, schema_errors
from reconciler.desired.shapes import compiled
from reconciler.desired.usual_reader import read_usual
from reconciler.desired.yaml_reader import MAXIMUM_DOCUMENTS, read_carefully, read_yaml

EXAMPLE = Path(__file__).parents[2] / "desired-state"
GUIDE = (EXAMPLE.parent / "docs" / "desired-state.md").read_text(encoding="utf-8")
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.rglob("*.yaml"))]
POLICY = """apiVersion: reconciler/v1
kind: Policy
metadata: {name: default}
spec: {planning: {estimates: {memoryMegabytesPerSecond: {SMB: 900, TCPIP: 100}, dirtyMegabytesPerSecond: 40}}}
"""
SOUND = [*(text for text in TEXTS if "kind: Policy" not in text), POLICY]  # together one desired state without an error
TEXTS.append("---\n".join(re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)))
DOCUMENTS = [document for text in TEXTS for document in read_yaml("a.yaml", text.encode())[0]]
# What YAML and people make trouble with: indicators, tabs, escapes, other spaces, tags, anchors, numbers, new documents.
PIECES = ["-", ":", "#", "'", '"', "[", "]", "{", "}", "|", ">", "&", "*", "!", "?", "%", "@", "`", ",", "~", "\t", "\n", " "]
PIECES += ["\\t", "\xa0", "é", "\n---\n", "\n...\n", "&a ", "*a", "!x ", "!!str ", "null", "010", ".inf", "é: ", "kind: x\n"]
LAWS = settings(max_examples=300, deadline=None, derandomize=True)
PADDING = "#" * WORTH_KEEPING_BYTES + "\n"


class Kept(dict[str, bytes]):
    """A cache in memory."""

    def read(self, key: str) -> bytes | None:
        return self.get(key)

    def write(self, key: str, entry: bytes) -> None:
        self[key] = entry


def damaged(text: str, chance: random.Random) -> str:
    """Return text with a few pieces put in, cut out or moved, mostly still YAML."""
    for _ in range(chance.randrange(4)):
        values = [found.end() for found in re.finditer(r"(?m)[:-] +|^ *", text)]
        start = chance.choice((chance.randrange(len(text) + 1), chance.choice(values)))
        end = min(len(text), start + chance.choice((0, 0, 1, 4, 20)))
        text = text[:start] + chance.choice([*PIECES, text[end : end + 30]]) + text[end:]
    return text


def spelled(document: YamlDocument) -> Any:
    """Return all there is to a document; repr tells 1 from True."""
    return document.file, repr(document.data), document.layout.paths, list(document.numbers)


@LAWS
@given(st.integers(0, 2**32), st.sampled_from(TEXTS))
def test_the_short_way_of_reading_gives_what_the_careful_way_gives(seed: int, text: str) -> None:
    """Whatever it accepts has no problem, the same data and the same places."""
    text = damaged(text, random.Random(seed))

    short = read_usual("a.yaml", text, MAXIMUM_DOCUMENTS)

    if short is not None:
        documents, problems = read_carefully("a.yaml", text)
        assert problems == []
        assert [spelled(document) for document in short] == [spelled(document) for document in documents]


def test_the_short_way_is_the_one_taken() -> None:
    """Every file of the example is read by it, or nothing would be gained."""
    assert all(read_usual("a.yaml", text, MAXIMUM_DOCUMENTS) for text in TEXTS)


def test_a_name_in_quotes_says_nothing_of_the_same_word_without() -> None:
    """Names are remembered from file to file; a word that is no name where it stands plain must not become one by that."""
    for quoted in ('"true": 1\n', '"null": 1\n', '"on": 1\n'):
        assert read_usual("a.yaml", quoted, 1) is not None
    assert [read_usual("a.yaml", plain, 1) for plain in ("true: 1\n", "null: 1\n")] == [None, None]
    assert read_usual("a.yaml", "on: 1\n", 1) is not None


def changed(data: Any, chance: random.Random) -> Any:
    """Return plain data with about one value in ten replaced, dropped or doubled."""
    if chance.random() < 0.05:
        return chance.choice((None, True, 0, -1, 1, 101, 0.5, "", " x ", "x", [], {}, ["a", "a"], "a\tb", "D:\\x", "C" * 2000))
    if isinstance(data, dict):
        kept = {key: changed(value, chance) for key, value in data.items() if chance.random() < 0.98}
        return kept | ({"extra": "x"} if chance.random() < 0.05 else {})
    if isinstance(data, list):
        return [changed(value, chance) for value in data] + (data[:1] if chance.random() < 0.1 else [])
    return data


@LAWS
@given(st.integers(0, 2**32), st.sampled_from(DOCUMENTS))
def test_what_the_quick_check_passes_jsonschema_passes(seed: int, document: YamlDocument) -> None:
    """A wrong yes would let a mistake through; a no only costs time."""
    data = changed(document.data, random.Random(seed))

    for kind in KINDS:
        if quickly_sound(kind, data):
            assert list(schema_errors(kind, data)) == []


def test_the_quick_check_passes_the_example() -> None:
    """Sound documents are not checked twice, or nothing would be gained."""
    assert all(quickly_sound(document.data["kind"], document.data) for document in DOCUMENTS)


def loaded(texts: list[str], cache: Kept | None) -> Loaded:
    files = [SourceFile(f"{number}.yaml", (PADDING + text).encode()) for number, text in enumerate(texts)]
    return load_desired(files, "abc123", cache)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.booleans())
def test_a_kept_answer_is_the_answer(seed: int, sound: bool) -> None:
    """Values, places, warnings and errors are as they were; only the commit is today's."""
    chance, cache = random.Random(seed), Kept()
    texts = [*SOUND, "# " + str(seed)] if sound else [damaged(text, chance) for text in TEXTS]

    first, again = loaded(texts, cache), loaded(texts, cache)

    assert len(cache) == 1
    assert not sound or first.desired is not None
    assert first == again == loaded(texts, None)
    assert repr(first.problems) == repr(again.problems)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_a_spoiled_entry_is_no_entry(seed: int) -> None:
    """Cut, altered or swapped, it is passed over and written anew."""
    chance, cache = random.Random(seed), Kept()
    answer = loaded(TEXTS, cache)
    ((key, entry),) = cache.items()
    at = chance.randrange(len(entry))
    cache[key] = chance.choice((b"", entry[:at], entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :], b"\n" + entry, b"{}"))

    assert loaded(TEXTS, cache) == answer
    assert cache == {key: entry}


def test_an_entry_of_other_files_is_no_entry() -> None:
    """An entry put under a wrong name is not believed, nor one that says nothing we know."""
    cache, other = Kept(), Kept()
    answer = loaded(TEXTS, cache)
    loaded(TEXTS[:1], other)
    (entry,) = other.values()
    ((key, own),) = cache.items()

    cache[key] = entry

    assert loaded(TEXTS, cache) == answer
    assert cache == {key: own}


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "required": ["a"], "minProperties": 2, "maxProperties": 2},
    {"type": "object", "properties": {"a": {"type": "integer", "maximum": 1}}, "additionalProperties": {"type": "string"}},
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "uniqueItems": True},
    {"type": ["string", "null"], "minLength": 1, "maxLength": 2, "pattern": "^a"},
    {"type": "number", "minimum": 0, "exclusiveMinimum": 0},
    {"anyOf": [{"const": "a"}, {"type": "boolean"}]},
    {"type": "string", "not": {"const": "a"}},
    {"const": "a", "enum": ["b"]},
]
VALUES: list[Any] = [None, True, -1, 0, 1, 2, 0.5, "", "a", "ab", "abc", "b", [], ["a"], ["a", "a"], ["a", "b"], [1], {}]
VALUES += [{"a": 1}, {"a": 2}, {"a": 1, "b": 2}, {"a": 1, "b": "x"}, {"b": "x", "c": "y"}, {"a": 1, "b": "x", "c": "y"}]


def test_the_quick_check_knows_each_keyword() -> None:
    """Keyword by keyword it agrees with jsonschema, and what it does not know it never passes."""
    for schema in SCHEMAS[:-2]:
        sound = [value for value in VALUES if Draft202012Validator(schema).is_valid(value)]
        assert [value for value in VALUES if compiled(schema)(value)] == sound
    assert not any(compiled(schema)(value) for schema in SCHEMAS[-2:] for value in VALUES)
