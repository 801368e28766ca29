"""What a host's error means: one table from codes and ids to a cause, with what to do and whether waiting helps.

Codes are those of Windows (HRESULT as ``0x8009030E``) or the ids that our own scripts throw (``reconciler.no-room``). Text is
asked only where Windows gives no code of its own; it is localised, so nothing but a friendlier remedy hangs on it beyond
English hosts. Causes are from Microsoft's pages on troubleshooting live migration.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why a host refused or a migration failed."""

    LIMIT = "limit reached"
    CREDENTIALS = "credentials refused"
    DELEGATION = "delegation missing"
    ACCESS = "access denied"
    NO_ROOM = "no room"
    SWITCH = "virtual switch missing"
    NETWORK = "network"
    MACHINE = "tied to its host"
    BUSY = "busy"
    SETTINGS = "migration disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause and its remedy."""

    cause: Cause
    remedy: str

    @property
    def counts(self) -> bool:
        """Whether anything is wrong at all: a host without a free slot is only asked again later."""
        return self.cause is not Cause.LIMIT

    @property
    def needs_a_person(self) -> bool:
        """Whether trying again changes nothing before somebody has mended what the remedy names."""
        return self.cause in (Cause.CREDENTIALS, Cause.DELEGATION, Cause.ACCESS, Cause.SWITCH)


_LATER = Diagnosis(Cause.LIMIT, "nothing to do: it is tried again when a migration ends")
_DELEGATION = Diagnosis(
    Cause.DELEGATION, "set up Kerberos constrained delegation between the two hosts, with any protocol; see docs/winrm.md"
)
_ACCESS = Diagnosis(Cause.ACCESS, "give the account and both hosts rights on the share, and delegate cifs; see docs/winrm.md")
_NAME = Diagnosis(Cause.DELEGATION, "use the host name that its service principal has, and the network meant for migrations")
_LOGON = Diagnosis(Cause.ACCESS, "let NT VIRTUAL MACHINE\\Virtual Machines log on as a service on both hosts (group policy)")
_NO_ROOM = Diagnosis(Cause.NO_ROOM, "free memory or disk space there, or place the machine elsewhere")
_SWITCH = Diagnosis(Cause.SWITCH, "give the destination a virtual switch of exactly that name, or place the machine elsewhere")
_NETWORK = Diagnosis(Cause.NETWORK, "let the hosts reach each other on TCP 6600 (firewall, listener, network for migrations)")
_TIED = Diagnosis(Cause.MACHINE, "remove what ties the machine to its host, or place it elsewhere")
_OWNER = Diagnosis(Cause.MACHINE, "make the node a possible owner of the role, or place the machine elsewhere")
_FILES = Diagnosis(Cause.MACHINE, "eject the ISO that the destination cannot open, or make it reachable there")
_BUSY = Diagnosis(Cause.BUSY, "wait until the other operation has ended")
_SETTINGS = Diagnosis(Cause.SETTINGS, "enable live migration on the host (spec.migration.enabled)")
_READ = Diagnosis(Cause.UNKNOWN, "read the host's message and correct what it names")

BY_CODE: Final = {
    "reconciler.limit-reached": _LATER,
    "reconciler.no-room": _NO_ROOM,
    "reconciler.busy": _BUSY,
    "reconciler.migration-disabled": _SETTINGS,
    "reconciler.not-migratable": _TIED,
    "0x8009030E": _DELEGATION,
    "0x8009030D": _DELEGATION,
    "0x80090322": _NAME,
    "0x80070005": _ACCESS,
    "0x80070569": _LOGON,
    "0x80070534": _LOGON,
    "0x8007274C": _NETWORK,
    "0x8007274D": _NETWORK,
    "0x80072746": _NETWORK,
    "0x8007271D": _NETWORK,
    "0x000013AB": _NETWORK,
    "0x800705AA": _NO_ROOM,
    "0x8007000E": _NO_ROOM,
    "0x80070070": _NO_ROOM,
    "0x80071398": _OWNER,
    "0xC03A0014": _FILES,
    "0x000080F4": _SWITCH,  # 33012, the one message id of a compatibility report that is documented
}
_BY_TEXT: Final = (("migration limit", _LATER), ("ethernet switch", _SWITCH), ("virtual switch", _SWITCH))


def diagnose(code: str | int | None, text: str = "") -> Diagnosis:
    """Return what a host's code means, by its text where the code says nothing."""
    known = BY_CODE.get(_spelt(code))
    if known is not None:
        return known
    said = text.casefold()
    return next((found for words, found in _BY_TEXT if words in said), _READ)


def _spelt(code: str | int | None) -> str:
    if isinstance(code, int):
        return f"0x{code & 0xFFFFFFFF:08X}"
    return f"0x{code[2:].upper()}" if code and code[:2].casefold() == "0x" else code or ""
