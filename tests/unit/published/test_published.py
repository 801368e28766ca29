"""Published observations: redaction changes no plan, and nothing but the signed bytes is believed."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cycle import think
from reconciler.desired import load_desired
from reconciler.files import FileProblem, read_folder, read_observation
from reconciler.model.observation import Migration
from reconciler.model.words import HostStatus, MigrationKind
from reconciler.published.envelope import SignatureProblem, opened, sealed, signed_bytes
from reconciler.published.keys import public_text, read_public_key
from reconciler.published.redaction import Redaction, redacted
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*/observed.json"))
KEY, OTHER = Ed25519PrivateKey.from_private_bytes(b"1" * 32), Ed25519PrivateKey.from_private_bytes(b"2" * 32)
NOW = OBSERVED_AT + timedelta(minutes=10)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.parent.name)
def test_redaction_changes_no_plan(file: Path) -> None:
    """The law that lets a pipeline trust it: same steps, same blocked machines, same fingerprint."""
    loaded = load_desired(read_folder(file.parent / "desired")[0])
    assert loaded.desired is not None
    observation = read_observation(file)

    plain = think(loaded.desired, observation).plan
    other = think(loaded.desired, redacted(observation, Redaction)).plan

    assert (other.fingerprint, other.blocked, other.drift) == (plain.fingerprint, plain.blocked, plain.drift)


def test_redaction_leaves_neither_addresses_nor_what_windows_said() -> None:
    """A migration that names its destination by address is still recognised, by the host's name."""
    job = Migration(
        id="j", virtual_machine="x", kind=MigrationKind.LIVE, destination="HOST2.contoso.com", error="by CONTOSO\\ann"
    )
    observation = a_fleet(
        a_host("Host1", a_vm("vm1"), migrations=(job,)),
        a_host("Host2", status=HostStatus.PARTIAL, problem="access denied to CONTOSO\\bob"),
    )

    shown = redacted(observation, Redaction)

    text = json.dumps(shown.to_json())
    assert not [word for word in ("host1.contoso.com", "HOST2.contoso", "CONTOSO") if word in text]
    assert shown.hosts[0].migrations[0].destination == "Host2"
    assert shown.hosts[1].problem == "redacted"


def test_what_is_signed_is_dsse() -> None:
    """The published example of the format's own protocol text."""
    assert signed_bytes("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_envelope_opens_with_any_of_the_keys_given() -> None:
    """While keys change, two are right."""
    observation = a_fleet()
    envelope = sealed(observation, KEY)

    assert opened(envelope, [OTHER.public_key(), KEY.public_key()], NOW, HOUR) == observation
    assert sealed(observation, KEY) == envelope
    assert read_public_key(public_text(KEY.public_key())) == KEY.public_key()


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_no_changed_byte_is_believed(at: int, change: int) -> None:
    """Wherever it is: the envelope says that it is none, or opens to the very same observation (the key's name)."""
    observation = a_fleet()
    content = bytearray(sealed(observation, KEY))
    content[at % len(content)] ^= change
    with suppress(SignatureProblem):
        assert opened(bytes(content), [KEY.public_key()], NOW, HOUR) == observation


def refusal(content: bytes, now: datetime = NOW) -> str:
    with pytest.raises(SignatureProblem) as error:
        opened(content, [KEY.public_key()], now, HOUR)
    return error.value.problem.code


def test_age_counts_from_the_signed_time_and_the_future_is_no_age() -> None:
    """A publisher's clock may be two minutes ahead."""
    envelope = sealed(a_fleet(), KEY)

    assert refusal(envelope, OBSERVED_AT + timedelta(hours=1, seconds=1)) == "too-old"
    assert refusal(envelope, OBSERVED_AT - timedelta(minutes=3)) == "from-the-future"
    assert opened(envelope, [KEY.public_key()], OBSERVED_AT - timedelta(minutes=1), HOUR)


def test_each_other_way_to_be_wrong_has_a_word_of_its_own() -> None:
    """Another key, another type, no envelope at all, no signature."""
    envelope = json.loads(sealed(a_fleet(), KEY))

    assert refusal(sealed(a_fleet(), OTHER)) == "wrong-key"
    assert refusal(json.dumps(envelope | {"payloadType": "application/vnd.in-toto+json"}).encode()) == "wrong-payload"
    assert [refusal(text) for text in (b"", b"{}", b"[]", b"\xff", b"[" * 100_000)] == ["not-signed"] * 5
    assert refusal(json.dumps(envelope | {"signatures": []}).encode()) == "wrong-key"
    assert refusal(json.dumps(envelope | {"payload": "%%%"}).encode()) == "not-signed"


@pytest.mark.parametrize("text", ["ed25519:", "ed25519:AAAA", "ed25519:%%%", "/nowhere/key.pub"])
def test_what_is_no_public_key_is_said_to_be_none(text: str) -> None:
    """With how to get one."""
    with pytest.raises(FileProblem):
        read_public_key(text)
