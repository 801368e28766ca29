"""How Windows may answer a script other than it does in general, and what a script asks Windows to do.

A case (``script_cases.py``) takes an alteration from here where no state of the simulated fleet gives the situation: a class
that cannot be read, a job that never ends, a method that refuses. What is altered is one cmdlet or cast of one session.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from reconciler.simulator.powershell import Call, Cmdlet, PowerShellError, Session
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.values import NOTHING, NetObject, items_of, net_object, plain

Alter = Callable[[Session], None]
CHANGES = ("add", "set", "remove", "move", "enable", "disable", "start-vm")


def _with_body(session: Session, name: str, body: Callable[[Cmdlet, Call], Iterable[Any]]) -> None:
    old = session.cmdlets[name.casefold()]
    session.cmdlets[name.casefold()] = replace(old, body=lambda call: body(old, call))


def _is_meant(call: Call, given: dict[str, str]) -> bool:
    """Whether a call has these parameters; ``VM`` is meant by the name of one of the machines."""
    return all(_fits(name, call.get(name), wanted) for name, wanted in given.items())


def _fits(name: str, value: Any, wanted: str) -> bool:
    if name == "VM":
        return any(one.read("Name") == wanted for one in items_of(value))
    return to_text(value).casefold() == wanted.casefold()


def failing(cmdlet: str, message: str = "It is broken.", *, from_call: int = 1, **given: str) -> Alter:
    """Let a cmdlet fail, where it is called with these parameters, from that many calls on."""

    def alter(session: Session) -> None:
        calls: list[Call] = []

        def body(old: Cmdlet, call: Call) -> Iterable[Any]:
            if _is_meant(call, given):
                calls.append(call)
                if len(calls) >= from_call:
                    raise PowerShellError(message, f"Broken,{cmdlet}", category="ReadError")
            return old.body(call)

        _with_body(session, cmdlet, body)

    return alter


def altered(cmdlet: str, change: Callable[[list[Any]], list[Any]], **given: str) -> Alter:
    """Change what a cmdlet gives, where it is called with these parameters."""

    def body(old: Cmdlet, call: Call) -> Iterable[Any]:
        found = list(old.body(call))
        return change(found) if _is_meant(call, given) else found

    return lambda session: _with_body(session, cmdlet, body)


def having(**properties: Any) -> Callable[[list[Any]], list[Any]]:
    """Let objects have these properties; a list gives one value to each object, None leaves what it has."""

    def change(found: list[Any]) -> list[Any]:
        for number, one in enumerate(found):
            for name, value in properties.items():
                mine = value[number] if isinstance(value, list) else value
                if mine is not None:
                    one.readers[name.casefold()] = lambda mine=mine: plain(mine)
        return found

    return change


def queued(found: list[Any]) -> list[Any]:
    """Put a second job after the first, as it is before its turn: without a time at which it began."""
    first = found[0]
    second = NetObject(first.type_name, dict(first.readers), dict(first.writers), dict(first.methods))
    second.readers |= {"instanceid": lambda: "queued", "starttime": lambda: None}
    return [first, second]


def answering(class_name: str, **answer: Any) -> Alter:
    """Let the methods of a WMI class do nothing and answer this."""

    def change(found: list[Any]) -> list[Any]:
        for one in found:
            one.methods["invokemethod"] = lambda _: net_object("__PARAMETERS", {"Job": None} | answer)
        return found

    return altered("Get-WmiObject", change, Class=class_name)


def other_processor() -> NetObject:
    """A processor of another kind than a host's first."""
    return net_object("Win32_Processor", {"Manufacturer": "GenuineIntel", "Name": "Other", "Description": "Other"})


def never_ending_check(session: Session) -> None:
    """Let a job that checks a migration run for ever."""
    session.casts["wmi"] = lambda _: net_object("Msvm_MigrationJob", {"JobState": 4, "ErrorDescription": None})


def without_account(session: Session) -> None:
    """Let the directory not know this computer."""
    session.casts["adsisearcher"] = lambda _: NetObject("Searcher", methods={"FindOne": lambda _: NOTHING})


def all_together(*alterations: Alter) -> Alter:
    """Several alterations at once."""

    def alter(session: Session) -> None:
        for one in alterations:
            one(session)

    return alter


def listening(session: Session, asked: list[Any]) -> None:
    """Write down what the session asks Windows to change: cmdlets that change, methods of WMI, connections."""

    def with_words(old: Cmdlet, call: Call) -> Iterable[Any]:
        asked.append(_words(call))
        return old.body(call)

    for name in [name for name in session.cmdlets if name.startswith(CHANGES)]:
        _with_body(session, name, with_words)

    def with_methods(old: Cmdlet, call: Call) -> Iterable[Any]:
        found = list(old.body(call))
        for one in found:
            if "invokemethod" in one.methods:
                _write_down_methods(one, asked)
        return found

    _with_body(session, "Get-WmiObject", with_methods)
    client = session.statics["net.sockets.tcpclient"]
    session.statics["net.sockets.tcpclient"] = lambda *words: _watched(client(*words), asked)


def _words(call: Call) -> list[Any]:
    return [call.cmdlet.name, {name: _said(value) for name, value in sorted(call.bound.items())}]


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return [_said(one) for one in value]
    return to_text(value.read("Id")) if isinstance(value, NetObject) and "id" in value.readers else to_text(value)


def _write_down_methods(one: NetObject, asked: list[Any]) -> None:
    invoke = one.methods["invokemethod"]

    def written(arguments: list[Any]) -> Any:
        given = arguments[1]
        values = {name: given.read(name) for name in given.names()}
        asked.append([arguments[0], {name: _said(value) for name, value in sorted(values.items()) if value is not None}])
        return invoke(arguments)

    one.methods["invokemethod"] = written


def _watched(client: NetObject, asked: list[Any]) -> NetObject:
    for name in ("beginconnect", "close"):
        client.methods[name] = _written_down(name, client.methods[name], asked)
    return client


def _written_down(name: str, method: Callable[[list[Any]], Any], asked: list[Any]) -> Callable[[list[Any]], Any]:
    def written(arguments: list[Any]) -> Any:
        asked.append([name, *(to_text(one) for one in arguments[:1])])
        return method(arguments)

    return written
