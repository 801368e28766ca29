"""The cmdlets that belong to the language rather than to Windows: filters, sorting, JSON, waiting."""

from collections.abc import Iterable
from typing import Any

from reconciler.simulator.powershell.commands import ANY, SCRIPT_BLOCK, SWITCH, Call, Cmdlet, Parameter
from reconciler.simulator.powershell.convert import order_key, to_bool, to_text
from reconciler.simulator.powershell.dotnet import new_object
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError
from reconciler.simulator.powershell.json_text import from_json, to_json
from reconciler.simulator.powershell.members import read_property
from reconciler.simulator.powershell.pipelines import invoke_with_item
from reconciler.simulator.powershell.values import NOTHING, CustomObject, Hashtable, collapsed, items_of, plain

DEEPEST = 100  # what -Depth of ConvertTo-Json allows


def _where(call: Call) -> Iterable[Any]:
    block = call.get("FilterScript")
    return [item for item in call.input if to_bool(collapsed(invoke_with_item(block, item, call.scope)))]


def _for_each(call: Call) -> Iterable[Any]:
    block = call.get("Process")
    return [output for item in call.input for output in invoke_with_item(block, item, call.scope)]


def _select(call: Call) -> Iterable[Any]:
    items = call.input
    if call.given("First"):
        items = items[: call.get("First")]
    if call.given("ExpandProperty"):
        return [one for item in items for one in items_of(read_property(item, call.get("ExpandProperty")))]
    if not call.given("Property"):
        return items
    return [_selected(call, item) for item in items]


def _selected(call: Call, item: Any) -> CustomObject:
    found: dict[str, Any] = {}
    for wanted in items_of(call.get("Property")):
        if isinstance(wanted, Hashtable):
            name = to_text(wanted["Name"] if wanted["Name"] is not None else wanted["Label"])
            found[name] = plain(collapsed(invoke_with_item(wanted["Expression"], item, call.scope)))
        else:
            found[to_text(wanted)] = plain(read_property(item, to_text(wanted)))
    return CustomObject(found)


def _sort(call: Call) -> Iterable[Any]:
    wanted = call.get("Property")

    def key(item: Any) -> tuple[int, Any]:
        return order_key(item if wanted is None else read_property(item, wanted))

    ordered = sorted((item for item in call.input if item is not None), key=key, reverse=bool(call.get("Descending")))
    if not call.get("Unique"):
        return ordered
    return [item for number, item in enumerate(ordered) if number == 0 or key(item) != key(ordered[number - 1])]


def _measure(call: Call) -> Iterable[Any]:
    return [CustomObject({"Count": len(call.input)})]


def _convert_to_json(call: Call) -> Iterable[Any]:
    if not call.get("Compress"):
        raise NotInSubsetError("ConvertTo-Json without -Compress")
    value, depth = call.get("InputObject") if call.given("InputObject") else collapsed(call.input), call.get("Depth", 2)
    if not 1 <= depth <= DEEPEST:
        text = f"Cannot validate argument on parameter 'Depth'. The {depth} argument is out of the allowed range."
        raise PowerShellError(text, "ParameterArgumentValidationError,ConvertToJsonCommand", category="InvalidData")
    return [to_json(value, depth)]


def _convert_from_json(call: Call) -> Iterable[Any]:
    texts = [to_text(call.get("InputObject"))] if call.given("InputObject") else [to_text(one) for one in call.input]
    # An array comes out as one object; it is the next command that takes it apart.
    return [from_json("\n".join(texts))]


def _sleep(call: Call) -> Iterable[Any]:
    call.scope.session.sleep(call.get("Seconds", 0) + call.get("Milliseconds", 0) / 1000)
    return [NOTHING]


def _new_object(call: Call) -> Iterable[Any]:
    return [new_object(call.get("TypeName"))]


CMDLETS = (
    Cmdlet("Where-Object", _where, (Parameter("FilterScript", SCRIPT_BLOCK, 0),), takes_input=True),
    Cmdlet("ForEach-Object", _for_each, (Parameter("Process", SCRIPT_BLOCK, 0),), takes_input=True),
    Cmdlet(
        "Select-Object",
        _select,
        (Parameter("Property", ANY, 0), Parameter("First", "int"), Parameter("ExpandProperty", "string")),
        takes_input=True,
    ),
    Cmdlet(
        "Sort-Object",
        _sort,
        (Parameter("Property", "string", 0), Parameter("Unique", SWITCH), Parameter("Descending", SWITCH)),
        takes_input=True,
    ),
    Cmdlet("Measure-Object", _measure, (), takes_input=True),
    Cmdlet(
        "ConvertTo-Json",
        _convert_to_json,
        (Parameter("InputObject", ANY, 0), Parameter("Depth", "int"), Parameter("Compress", SWITCH)),
        takes_input=True,
    ),
    Cmdlet("ConvertFrom-Json", _convert_from_json, (Parameter("InputObject", "string", 0),), takes_input=True),
    Cmdlet("Start-Sleep", _sleep, (Parameter("Seconds", "int", 0), Parameter("Milliseconds", "int"))),
    Cmdlet("New-Object", _new_object, (Parameter("TypeName", "string", 0),)),
)
