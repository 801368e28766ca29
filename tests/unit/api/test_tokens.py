"""Who may ask what: tokens are known by their hashes alone, expire, and are never guessed from a file that others may write."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.api.tokens import (
    Caller,
    Role,
    Token,
    TokenFile,
    TokensError,
    caller_of,
    digest_of_token,
    new_token,
    read_tokens,
    token_entry,
)
from tests.builders import OBSERVED_AT

SECRET = new_token(lambda number: bytes(range(number)))
CI = Token("ci", Role.VIEWER, digest_of_token(SECRET))


def test_a_token_is_known_by_its_hash() -> None:
    assert caller_of(f"Bearer {SECRET}", [CI], OBSERVED_AT) == Caller("ci", Role.VIEWER)


@pytest.mark.parametrize("header", [None, "", SECRET, f"Basic {SECRET}", "Bearer", "Bearer wrong", f"Bearer {SECRET}x"])
def test_anything_else_is_nobody(header: str | None) -> None:
    assert caller_of(header, [CI], OBSERVED_AT) is None


def test_a_token_ends_at_its_time() -> None:
    token = Token("ci", Role.VIEWER, digest_of_token(SECRET), OBSERVED_AT)

    assert caller_of(f"Bearer {SECRET}", [token], OBSERVED_AT - timedelta(seconds=1))
    assert caller_of(f"Bearer {SECRET}", [token], OBSERVED_AT) is None


def test_what_is_written_to_the_file_is_read_back_and_holds_no_token(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    tokens = (CI, Token("ops", Role.OPERATOR, digest_of_token("other"), OBSERVED_AT))
    file.write_text("tokens:\n" + "".join(map(token_entry, tokens)), "utf-8")
    file.chmod(0o600)

    assert read_tokens(file) == tokens
    assert SECRET not in file.read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "tokens: [{name: a, role: king, hash: 'sha256:00'}]",
        "tokens: [{}]",
        "tokens: 3",
        "[",
        "tokens: [{name: a, role: admin, hash: x}]",
    ],
)
def test_a_file_that_says_something_else_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(text, "utf-8")
    file.chmod(0o600)

    with pytest.raises(TokensError, match="holds no list of tokens"):
        read_tokens(file)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text("tokens: []", "utf-8")
    file.chmod(0o666)

    with pytest.raises(TokensError, match="may be written by others"):
        read_tokens(file)


def test_tokens_are_given_and_taken_back_while_the_service_runs(tmp_path: Path) -> None:
    """A file that breaks meanwhile changes nothing; an empty list lets nobody in."""
    file = tmp_path / "tokens.yaml"
    write(file, "tokens: []\n")
    tokens = TokenFile(file)
    assert tokens() == ()

    write(file, "tokens:\n" + token_entry(CI))
    assert tokens() == (CI,)
    write(file, "tokens: 3 and broken\n")
    assert tokens() == (CI,)
    write(file, "tokens:  []\n")
    assert tokens() == ()


def write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o600)
