"""What a host's error means: the table that decides whether to wait, to try again, or to tell a person."""

import pytest

from reconciler.model.host_failures import Cause, diagnose


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (-2146893042, "", Cause.DELEGATION),
        ("0x8009030e", "", Cause.DELEGATION),
        ("0x80070005", "", Cause.ACCESS),
        (0x8007000E, "", Cause.NO_ROOM),
        (0x8007274C, "", Cause.NETWORK),
        (33012, "", Cause.SWITCH),
        ("reconciler.limit-reached", "", Cause.LIMIT),
        (32768, "The virtual machine migration limit '2' was reached, please wait", Cause.LIMIT),
        (None, "Could not find Ethernet switch 'External'.", Cause.SWITCH),
        (0x80004005, "something else", Cause.UNKNOWN),
        (None, "", Cause.UNKNOWN),
    ],
)
def test_codes_however_they_are_spelt_lead_to_one_cause(code: str | int | None, text: str, cause: Cause) -> None:
    """Signed, unsigned or as text; the text is asked only where the code says nothing."""
    assert diagnose(code, text).cause is cause


def test_only_a_full_host_does_not_count_and_only_mending_helps_against_missing_rights() -> None:
    """Whatever else is wrong, time may cure it."""
    assert not diagnose("reconciler.limit-reached").counts
    assert all(diagnose(code).counts for code in ("0x8007000E", "0x8009030E", None))
    assert [diagnose(code).needs_a_person for code in ("0x8009030E", "0x80070005", 33012, "0x8007000E", None)] == [
        True, True, True, False, False,
    ]  # fmt: skip
