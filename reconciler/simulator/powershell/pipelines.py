"""Pipelines and commands, compiled. Each stage takes all items of the one before it, then writes all of its own."""

import contextlib
from collections.abc import Callable
from typing import Any

from tree_sitter import Node

from reconciler.simulator.powershell.commands import Argument, bind, bind_block, splatted, written
from reconciler.simulator.powershell.expressions import Expression, compile_expression, number_range, variable_name
from reconciler.simulator.powershell.failures import NotInSubsetError, PowerShellError, ScriptReturn
from reconciler.simulator.powershell.scope import Scope
from reconciler.simulator.powershell.syntax import only, parts, text_of, unknown
from reconciler.simulator.powershell.values import ScriptBlock, collapsed, items_of, plain

Stage = Callable[[Scope, list[Any] | None], list[Any]]
Arguments = Callable[[Scope], list[Argument]]


def compile_pipeline_value(node: Node) -> Expression:
    """Return a pipeline as an expression: a lone expression keeps its value, commands give nothing, one item or an array."""
    chain = only(node) if node.type == "pipeline" else node
    if chain.type == "assignment_expression":
        raise unknown(chain)
    elements = parts(chain)
    if len(elements) == 1 and elements[0].type != "command":
        return compile_expression(elements[0])
    if len(elements) == 1 and (numbers := number_range(text_of(elements[0]).strip())) is not None:
        return numbers
    run = _compile_stages(elements)
    return lambda scope: collapsed(run(scope))


def _compile_stages(elements: list[Node]) -> Callable[[Scope], list[Any]]:
    first, *rest = elements
    source: Callable[[Scope], list[Any]]
    if first.type == "command":
        command = compile_command(first)
        source = lambda scope: command(scope, None)  # noqa: E731
    else:
        expression = compile_expression(first)
        source = lambda scope: items_of(expression(scope))  # noqa: E731
    stages = [compile_command(element) for element in rest]

    def run(scope: Scope) -> list[Any]:
        items = source(scope)
        for stage in stages:
            items = stage(scope, items)
        return items

    return run


def compile_command(node: Node) -> Stage:
    """Return the function for one command: it takes a scope and the piped items (None: first in its pipeline)."""
    if node.type != "command":
        raise unknown(node)
    arguments = _compile_arguments(node.child_by_field_name("command_elements"))
    name = node.child_by_field_name("command_name")
    if name is None:
        raise unknown(node)
    if node.named_children[0].type == "command_invocation_operator":
        return _invoke_value(node, compile_expression(_invoked(name)), arguments)
    return _invoke_name(text_of(name), arguments)


def _invoked(node: Node) -> Node:
    inner = only(node)
    return only(inner) if inner.type == "path_command_name" else inner


def _invoke_value(node: Node, target: Expression, arguments: Arguments) -> Stage:
    if text_of(node.named_children[0]) != "&":
        raise unknown(node)

    def run(scope: Scope, piped: list[Any] | None) -> list[Any]:
        block = plain(target(scope))
        if not isinstance(block, ScriptBlock) or piped is not None:
            raise NotInSubsetError("& on anything but a script block, or in the middle of a pipeline")
        return run_block(block, arguments(scope), scope)

    return run


def _invoke_name(name: str, arguments: Arguments) -> Stage:
    folded = name.casefold()

    def run(scope: Scope, piped: list[Any] | None) -> list[Any]:
        if (function := scope.function(folded)) is not None:
            if piped is not None:
                raise NotInSubsetError(f"piping into the function {name}")
            return run_block(function, arguments(scope), scope)
        if (cmdlet := scope.session.cmdlets.get(folded)) is None:
            raise NotInSubsetError(f"command {name}")
        call = bind(cmdlet, arguments(scope), scope, piped)
        try:
            return written(cmdlet.body(call))
        except PowerShellError as error:
            if error.terminating:
                raise
            call.fail(error)
            return []

    return run


def run_block(block: ScriptBlock, arguments: list[Argument], scope: Scope) -> list[Any]:
    """Run a script block or function in a scope of its own; return its outputs."""
    inner, outputs = bind_block(block, arguments, scope), list[Any]()
    with contextlib.suppress(ScriptReturn):
        block.run(inner, outputs)
    return outputs


def _compile_arguments(node: Node | None) -> Arguments:
    """Return what gathers the arguments. A name takes what follows it, unless that is another name."""
    compiled: list[Callable[[Scope], list[Argument]]] = []
    name: str | None = None
    colon = False
    for child in parts(node) if node else []:
        if child.type == "command_argument_sep":
            colon = text_of(child) == ":"
        elif child.type == "command_parameter":
            if name is not None:
                compiled.append(_bare(name))
            name = text_of(child)[1:]
        else:
            compiled.append(_compile_argument(child, name, colon=colon))
            name = None
    if name is not None:
        compiled.append(_bare(name))
    return lambda scope: [argument for one in compiled for argument in one(scope)]


def _bare(name: str) -> Callable[[Scope], list[Argument]]:
    return lambda _: [Argument(name, None, bare=True)]


def _compile_argument(node: Node, name: str | None, *, colon: bool) -> Callable[[Scope], list[Argument]]:
    if name is None and text_of(node).startswith("@") and node.children[0].type == "variable":
        variable = variable_name(node.children[0])
        return lambda scope: splatted(scope.get(variable))
    if node.type == "generic_token":
        text = text_of(node)
        return lambda _: [Argument(name, text)]
    if node.type == "bareword_argument_list":
        texts = [text_of(child) for child in parts(node)]
        return lambda _: [Argument(name, list(texts))]
    value = compile_expression(node)
    return lambda scope: [Argument(name, plain(value(scope)), colon=colon)]


def invoke_with_item(block: ScriptBlock, item: Any, scope: Scope) -> list[Any]:
    """Run a block for one item of a pipeline, ``$_``, in the scope around it, as Where-Object and its like do."""
    outputs: list[Any] = []
    inner = Scope(scope.session, scope)
    inner.variables = _SharedVariables(scope.variables, {"_": item, "psitem": item})
    with contextlib.suppress(ScriptReturn):
        block.run(inner, outputs)
    return outputs


class _SharedVariables(dict[str, Any]):
    """The variables of an outer scope, with ``$_`` on top: what a block sets is set outside."""

    def __init__(self, outer: dict[str, Any], own: dict[str, Any]) -> None:
        super().__init__(own)
        self._outer = outer

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._outer

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name) if super().__contains__(name) else self._outer[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._outer[name] = value
