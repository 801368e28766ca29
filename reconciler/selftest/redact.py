"""Names out of a report, each replaced by the same stand-in wherever it occurs, so that what belongs together still does.

Told by where a text stands: versions and the like are kept, sentences lose every name that is known from elsewhere, and any
other text is taken for a name. A field that nobody thought of is therefore replaced, not leaked.
"""

import ipaddress
import re
from typing import Any

# Fields whose texts are the same on many hosts, and tell nothing of whose they are.
KEPT = frozenset(
    (
        *("osVersion", "processorVendor", "processorModel", "supportedConfigurationVersions", "configurationVersion"),
        *("controller", "powerShell", "hyperVModules", "startedAt", "time", "script", "kind", "category", "code"),
        *("texts", "text", "filler"),
    )
)
# Sentences that Windows or we wrote.
SENTENCES = frozenset(("problems", "message", "error", "finding", "remedy", "target"))
# Parts of paths, names and services that Windows itself gives.
COMMON = frozenset(
    (
        *("clusterstorage", "volume1", "volume2", "volume3", "snapshots", "virtual hard disks", "virtual machines"),
        *("programdata", "microsoft", "windows", "hyper-v", "users", "public", "documents", "any"),
        *("cifs", "microsoft virtual system migration service", "com", "net", "org", "local", "lan", "internal"),
    )
)
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.])")
_SID = re.compile(r"S-1-(?:\d+-)+\d+")
_EXTENSION = re.compile(r"\.(a?vhdx?|vhds|iso|vmcx|vmrs)$", re.IGNORECASE)
ID_HEAD = "00000000-0000-4000-8000-"
SHORTEST_NAME = 2  # in sentences, shorter names would take letters out of words


class Redactor:
    """One report's stand-ins. ``known`` are names to take out of sentences from the start (the account, the address)."""

    def __init__(self, *known: str) -> None:
        self._names: dict[str, str] = {}
        self._spellings: set[str] = set()
        self._ids: dict[str, str] = {}
        self._networks: dict[str, str] = {}
        for text in known:
            self._text(text)

    def redacted(self, data: Any) -> Any:
        """Return plain data without names: first all fields that hold names, then the sentences."""
        return self._sentences(self._fields(data, ""), "")

    def _fields(self, data: Any, key: str) -> Any:
        if isinstance(data, dict):
            # The id of an error is a word of Windows or ours; every other id is of one machine.
            return {
                name: value if (key, name) == ("error", "id") else self._fields(value, name) for name, value in data.items()
            }
        if isinstance(data, list | tuple):
            return [self._fields(value, key) for value in data]
        if not isinstance(data, str) or key in KEPT or key in SENTENCES or not data:
            return data
        return self._text(data)

    def _sentences(self, data: Any, key: str) -> Any:
        if isinstance(data, dict):
            return {name: self._sentences(value, name) for name, value in data.items()}
        if isinstance(data, list | tuple):
            return [self._sentences(value, key) for value in data]
        return self._sentence(data) if isinstance(data, str) and key in SENTENCES else data

    def _sentence(self, text: str) -> str:
        text = _SID.sub("S-1-0", _ADDRESS.sub(lambda found: self._network(found[0]), self._without_ids(text)))
        # As they were written, too: some letters have no single other case.
        names = sorted(
            (name for name in self._spellings | set(self._names) if len(name) >= SHORTEST_NAME), key=len, reverse=True
        )
        if not names:
            return text
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names), re.IGNORECASE)
        return pattern.sub(lambda found: self._names[found[0].casefold()], text)

    def _text(self, text: str) -> str:
        text = self._without_ids(text)
        if _ADDRESS.fullmatch(text):
            return self._network(text)
        # Separators stay, so that a path is still a path and an address an address.
        return "".join(part if index % 2 else self._part(part) for index, part in enumerate(re.split(r"([\\/@:]+)", text)))

    def _part(self, part: str) -> str:
        extension = _EXTENSION.search(part)
        stem = part[: extension.start()] if extension else part
        if "." in stem and " " not in stem:
            named = ".".join(self._name(label) for label in stem.split("."))
        else:
            named = self._name(stem)
        return named + (extension[0] if extension else "")

    def _name(self, name: str) -> str:
        folded = name.casefold()
        is_id = len(name) == len(ID_HEAD) + 12 and name.startswith(ID_HEAD)
        if not name.strip() or folded in COMMON or is_id or (len(name) == 1 and name.isascii()) or name.isdigit():
            return name
        self._spellings.add(name)
        stand_in = self._names.setdefault(folded, f"name{len(self._names) + 1}")
        return stand_in.upper() if name.isupper() else stand_in

    def _without_ids(self, text: str) -> str:
        return _GUID.sub(lambda found: self._id(found[0]), text)

    def _id(self, given: str) -> str:
        return self._ids.setdefault(given.casefold(), f"{ID_HEAD}{len(self._ids) + 1:012d}")

    def _network(self, text: str) -> str:
        address, _, prefix = text.partition("/")
        try:
            network = ipaddress.ip_network(f"{address}/{prefix or 32}", strict=False)
        except ValueError:
            return text
        number = len(self._networks) + 1
        base = int(ipaddress.ip_address("10.0.0.0")) + number * 2 ** (32 - network.prefixlen)
        stand_in = f"{ipaddress.ip_address(base % 2**32)}" + (f"/{prefix}" if prefix else "")
        return self._networks.setdefault(text, stand_in)
