"""Statements, compiled: each becomes a procedure that takes a scope and the list that it writes its outputs to."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tree_sitter import Node

from reconciler.simulator.powershell import members, operators
from reconciler.simulator.powershell.convert import to_text
from reconciler.simulator.powershell.dotnet import error_record
from reconciler.simulator.powershell.expressions import (
    CONSTANTS,
    Expression,
    Statements,
    compile_expression,
    truth,
    variable_name,
)
from reconciler.simulator.powershell.failures import LoopBreak, LoopContinue, NotInSubsetError, PowerShellError, ScriptReturn
from reconciler.simulator.powershell.pipelines import compile_pipeline_value
from reconciler.simulator.powershell.scope import Scope
from reconciler.simulator.powershell.syntax import only, parse, parts, text_of, unknown
from reconciler.simulator.powershell.values import NOTHING, NetObject, ScriptBlock, items_of, plain

Assign = Callable[[Scope, Any], None]


@lru_cache(maxsize=64)
def compile_script(text: str) -> ScriptBlock:
    """Return a script as a block; PowerShellError where it cannot be parsed, NotInSubsetError where it cannot be run here."""
    return _block_of(parse(text), text)


def compile_block(node: Node) -> ScriptBlock:
    """Return a script block expression, ``{ ... }``, as a value."""
    return _block_of(node, text_of(node)[1:-1])


def _block_of(node: Node, text: str) -> ScriptBlock:
    parameters: list[str] = []
    bodies: list[Statements] = []
    for child in parts(node):
        if child.type == "param_block":
            parameters += _parameters(child)
        elif child.type == "script_block":
            inner = _block_of(child, text)
            parameters += inner.parameters
            bodies.append(inner.run)
        elif child.type == "script_block_body":
            bodies += [compile_statements(one) for one in parts(child)]
        else:
            bodies.append(compile_statements(child))
    return ScriptBlock(tuple(parameters), _in_turn(bodies), text)


def _parameters(node: Node) -> list[str]:
    names: list[str] = []
    for listed in parts(node):
        for parameter in parts(listed):
            if parameter.type != "script_parameter" or [one.type for one in parts(parameter)] != ["variable"]:
                raise unknown(parameter)
            names.append(variable_name(parts(parameter)[0]))
    return names


def _in_turn(bodies: list[Statements]) -> Statements:
    def run(scope: Scope, out: list[Any]) -> None:
        for body in bodies:
            try:
                body(scope, out)
            except PowerShellError as error:
                if not scope.goes_on_after(error):
                    raise

    return run


def compile_statements(node: Node) -> Statements:
    """Return the procedure for a list of statements, a block of them, or a single one."""
    if node.type in ("statement_list", "statement_block"):
        return _in_turn([compile_statements(child) for child in parts(node) if child.type != "empty_statement"])
    if (compiler := _COMPILERS.get(node.type)) is None:
        raise unknown(node)
    return compiler(node)


def _pipeline(node: Node) -> Statements:
    chain = only(node)
    if chain.type == "assignment_expression":
        return _assignment(chain)
    value = compile_pipeline_value(node)

    def run(scope: Scope, out: list[Any]) -> None:
        out.extend(items_of(value(scope)))

    return run


def _assignment(node: Node) -> Statements:
    target, sign, source = parts(node)
    value, assign = compile_pipeline_value(only(source)), _assign(target)
    if text_of(sign) == "=":

        def run(scope: Scope, out: list[Any]) -> None:  # noqa: ARG001 - an assignment writes nothing
            assign(scope, value(scope))

        return run
    if (apply := operators.ARITHMETIC.get(text_of(sign).removesuffix("="))) is None:
        raise unknown(node)
    read = compile_expression(only(target))

    def change(scope: Scope, out: list[Any]) -> None:  # noqa: ARG001 - an assignment writes nothing
        assign(scope, apply(read(scope), value(scope)))

    return change


def _assign(node: Node) -> Assign:
    target = only(only(node))
    if target.type == "variable":
        return _assign_variable(target)
    if target.type == "element_access":
        owner, index = (compile_expression(child) for child in parts(target))
        return lambda scope, value: members.write_index(owner(scope), index(scope), value)
    if target.type != "member_access" or target.children[1].type != ".":
        raise unknown(target)
    return _assign_member(target)


def _assign_variable(node: Node) -> Assign:
    name = variable_name(node)
    if name == "null":
        return lambda scope, value: None  # noqa: ARG005 - thrown away on purpose
    if name in CONSTANTS or name.startswith("env:"):
        raise unknown(node)

    def assign(scope: Scope, value: Any) -> None:
        scope.variables[name] = value

    return assign


def _assign_member(node: Node) -> Assign:
    owner, name = compile_expression(node.children[0]), only(node.children[2])
    if name.type == "simple_name":
        fixed = text_of(name)
        return lambda scope, value: members.write_property(owner(scope), fixed, value)
    computed = compile_expression(name)
    return lambda scope, value: members.write_property(owner(scope), to_text(computed(scope)), value)


def _if(node: Node) -> Statements:
    branches: list[tuple[Callable[[Scope], bool], Statements]] = [_branch(node)]
    otherwise: Statements | None = None
    for child in parts(node)[2:]:
        if child.type == "elseif_clauses":
            branches += [_branch(clause) for clause in parts(child)]
        elif child.type == "else_clause":
            otherwise = compile_statements(only(child))
        else:
            raise unknown(child)

    def run(scope: Scope, out: list[Any]) -> None:
        for condition, body in branches:
            if condition(scope):
                body(scope, out)
                return
        if otherwise is not None:
            otherwise(scope, out)

    return run


def _branch(node: Node) -> tuple[Callable[[Scope], bool], Statements]:
    condition, body = parts(node)[:2]
    return truth(compile_pipeline_value(condition)), compile_statements(body)


def _foreach(node: Node) -> Statements:
    variable, source, block = parts(node)
    name, values, body = variable_name(variable), compile_pipeline_value(source), compile_statements(block)

    def run(scope: Scope, out: list[Any]) -> None:
        found = values(scope)
        for item in items_of(NOTHING if found is None else found):
            scope.variables[name] = item
            try:
                body(scope, out)
            except LoopBreak:
                return
            except LoopContinue:
                continue

    return run


def _while(node: Node) -> Statements:
    condition, block = parts(node)
    holds, body = truth(compile_pipeline_value(only(condition))), compile_statements(block)

    def run(scope: Scope, out: list[Any]) -> None:
        while holds(scope):
            try:
                body(scope, out)
            except LoopBreak:
                return
            except LoopContinue:
                continue

    return run


def _flow(node: Node) -> Statements:
    word = node.children[0].type.casefold()
    given = parts(node)
    value = compile_pipeline_value(given[0]) if given else None
    if word == "return":
        return _return(value)
    if word == "throw" and value is not None:
        return _throw(value)
    endings: dict[str, type[Exception]] = {"break": LoopBreak, "continue": LoopContinue}
    if word not in endings or value is not None:
        raise unknown(node)

    def leave(scope: Scope, out: list[Any]) -> None:  # noqa: ARG001 - the same form as all statements
        raise endings[word]

    return leave


def _return(value: Expression | None) -> Statements:
    def run(scope: Scope, out: list[Any]) -> None:
        if value is not None:
            out.extend(items_of(value(scope)))
        raise ScriptReturn

    return run


def _throw(value: Expression) -> Statements:
    def run(scope: Scope, out: list[Any]) -> None:  # noqa: ARG001 - the same form as all statements
        thrown = plain(value(scope))
        if isinstance(thrown, NetObject):
            raise NotInSubsetError("throwing an object")
        text = to_text(thrown)
        raise PowerShellError(text, text, category="OperationStopped", target=thrown, thrown=True)

    return run


def _try(node: Node) -> Statements:
    body, catch, finally_body = compile_statements(parts(node)[0]), None, None
    for child in parts(node)[1:]:
        if child.type == "catch_clauses":
            catch = compile_statements(only(only(child)))  # one catch for all; typed ones are not implemented
        elif child.type == "finally_clause":
            finally_body = compile_statements(only(child))
        else:
            raise unknown(child)
    if catch is None and finally_body is None:
        raise PowerShellError("The Try statement is missing its Catch or Finally block.", "MissingCatchOrFinally")

    def run(scope: Scope, out: list[Any]) -> None:
        try:
            _run_caught(body, catch, scope, out)
        finally:
            if finally_body is not None:
                finally_body(scope, out)

    return run


def _run_caught(body: Statements, catch: Statements | None, scope: Scope, out: list[Any]) -> None:
    if catch is None:
        body(scope, out)
        return
    try:
        scope.session.tries += 1
        try:
            body(scope, out)
        finally:
            scope.session.tries -= 1
    except PowerShellError as error:
        before = scope.variables.get("_", NOTHING)
        scope.variables["_"] = error_record(error)
        try:
            catch(scope, out)
        finally:
            scope.variables["_"] = None if before is NOTHING else before


def _function(node: Node) -> Statements:
    name, block = parts(node)
    body = _block_of(block, text_of(block))

    def run(scope: Scope, out: list[Any]) -> None:  # noqa: ARG001 - a definition writes nothing
        scope.functions[text_of(name).casefold()] = body

    return run


_COMPILERS: dict[str, Callable[[Node], Statements]] = {
    "pipeline": _pipeline,
    "if_statement": _if,
    "foreach_statement": _foreach,
    "while_statement": _while,
    "flow_control_statement": _flow,
    "try_statement": _try,
    "function_statement": _function,
}
