"""Expressions, compiled: each piece of syntax becomes a function from scope to value, so that a script is read only once."""

import re
from collections.abc import Callable
from typing import Any

from tree_sitter import Node

from reconciler.simulator.powershell import members, operators
from reconciler.simulator.powershell.convert import cast, to_bool, to_number, to_text
from reconciler.simulator.powershell.dotnet import call_static
from reconciler.simulator.powershell.failures import NotInSubsetError
from reconciler.simulator.powershell.scope import Scope
from reconciler.simulator.powershell.syntax import only, parts, text_of, unknown
from reconciler.simulator.powershell.values import Hashtable, ScriptBlock, TypeName, collapsed, items_of, plain

Expression = Callable[[Scope], Any]
Statements = Callable[[Scope, list[Any]], None]

MULTIPLES = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
CONSTANTS = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([kKmMgGtTpP][bB])?")


def compile_expression(node: Node) -> Expression:
    """Return the function for an expression; NotInSubsetError for syntax that is not implemented."""
    if (compiler := _COMPILERS.get(node.type)) is None:
        raise unknown(node)
    return compiler(node)


def _passing_on(node: Node) -> Expression:
    return compile_expression(only(node))


def _variable(node: Node) -> Expression:
    name = variable_name(node)
    if name in CONSTANTS:
        value = CONSTANTS[name]
        return lambda _: value
    if name.startswith("env:"):
        return lambda scope: scope.environment(name.removeprefix("env:"))
    return lambda scope: scope.get(name)


def variable_name(node: Node) -> str:
    """Return a variable's folded name; scope prefixes and braces are not implemented."""
    name = text_of(node)[1:].casefold()
    if not re.fullmatch(r"(env:)?\w+", name):
        raise unknown(node)
    return name


def _integer(node: Node) -> Expression:
    match = _INTEGER.fullmatch(text_of(node))
    if match is None:
        raise unknown(node)
    value = int(match[1], 0 if match[1][:2].lower() == "0x" else 10) * MULTIPLES.get((match[2] or "").casefold(), 1)
    return lambda _: value


def _string(node: Node) -> Expression:
    inner = only(node)
    if inner.type == "verbatim_string_characters":
        value = text_of(inner)[1:-1].replace("''", "'")
        return lambda _: value
    if inner.type != "expandable_string_literal":
        raise unknown(inner)
    return _expandable(inner)


def _expandable(node: Node) -> Expression:
    """Literal pieces between the variables and sub-expressions, joined as text."""
    source, at, pieces = node.text or b"", 1, list[str | Expression]()
    for child in parts(node):
        start, end = child.start_byte - node.start_byte, child.end_byte - node.start_byte
        if child.type not in ("variable", "sub_expression"):
            raise unknown(child)
        pieces += [_unescaped(source[at:start].decode()), compile_expression(child)]
        at = end
    pieces.append(_unescaped(source[at : len(source) - 1].decode()))
    return lambda scope: "".join(one if isinstance(one, str) else to_text(one(scope)) for one in pieces)


def _unescaped(text: str) -> str:
    text = text.replace('""', '"')
    return re.sub(r"`(.)", lambda found: ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def _unary(node: Node) -> Expression:
    if node.named_children[0].type == "cast_expression":
        return _cast(node.named_children[0])
    sign, operand = node.children[0].type.casefold(), compile_expression(node.children[-1])
    if sign in ("-not", "!"):
        return lambda scope: not to_bool(operand(scope))
    if sign == ",":
        return lambda scope: [plain(operand(scope))]
    if sign == "-":
        return lambda scope: -operators.add(0, operand(scope))
    raise unknown(node)


def _cast(node: Node) -> Expression:
    target, operand = type_of(node.named_children[0]), compile_expression(node.named_children[1])
    folded = target.name.casefold()

    def run(scope: Scope) -> Any:
        special = scope.session.casts.get(folded)
        value = operand(scope)
        return special(plain(value)) if special and not target.array else cast(value, target)

    return run


def type_of(node: Node) -> TypeName:
    """Return the type that a type literal names."""
    name = text_of(node)[1:-1].replace(" ", "")
    return TypeName(name.removesuffix("[]"), name.endswith("[]"))


def _binary(table: dict[str, Callable[[Any, Any], Any]]) -> Callable[[Node], Expression]:
    def compiler(node: Node) -> Expression:
        sign = text_of(node.children[1]).casefold()
        if sign not in table or len(node.children) != 3:
            raise unknown(node)
        apply = table[sign]
        left, right = compile_expression(node.children[0]), compile_expression(node.children[2])
        return lambda scope: apply(left(scope), right(scope))

    return compiler


def _comparison(node: Node) -> Expression:
    sign = text_of(node.children[1]).casefold()
    if sign not in ("-match", "-notmatch"):
        return _binary(operators.COMPARISONS)(node)
    left, right = compile_expression(node.children[0]), compile_expression(node.children[2])

    def run(scope: Scope) -> bool:
        value = left(scope)
        if isinstance(value, list):
            raise NotInSubsetError("-match on an array")
        found = operators.match(value, right(scope))
        if found is not None:
            scope.variables["matches"] = found
        return (found is not None) == (sign == "-match")

    return run


def _logical(node: Node) -> Expression:
    sign = text_of(node.children[1]).casefold()
    left, right = compile_expression(node.children[0]), compile_expression(node.children[-1])
    if sign == "-and":
        return lambda scope: to_bool(left(scope)) and to_bool(right(scope))
    if sign == "-or":
        return lambda scope: to_bool(left(scope)) or to_bool(right(scope))
    raise unknown(node)


def _format(node: Node) -> Expression:
    template, value = compile_expression(node.children[0]), compile_expression(node.children[-1])
    return lambda scope: operators.format_text(template(scope), list(items_of(plain(value(scope)))))


def _array_literal(node: Node) -> Expression:
    items = [compile_expression(child) for child in parts(node)]
    return lambda scope: [plain(item(scope)) for item in items]


def _member(node: Node) -> Expression:
    owner, separator, name = node.children
    read = _member_name(name)
    if separator.type == "::":
        target = type_of(owner).name
        return lambda scope: call_static(scope.session, target, read(scope), None)
    value = compile_expression(owner)
    return lambda scope: members.read_property(value(scope), read(scope))


def _member_name(node: Node) -> Callable[[Scope], str]:
    inner = only(node)
    if inner.type == "simple_name":
        name = text_of(inner)
        return lambda _: name
    compiled = compile_expression(inner)
    return lambda scope: to_text(compiled(scope))


def _invocation(node: Node) -> Expression:
    owner, separator, name, arguments = node.children
    read = _member_name(name)
    values = [compile_expression(only(one)) for given in parts(arguments) for one in parts(given)]
    if separator.type == "::":
        target = type_of(owner).name
        return lambda scope: call_static(scope.session, target, read(scope), [plain(value(scope)) for value in values])
    value = compile_expression(owner)
    return lambda scope: members.call_method(value(scope), read(scope), [plain(one(scope)) for one in values])


def _element(node: Node) -> Expression:
    value, index = (compile_expression(child) for child in parts(node))
    return lambda scope: members.read_index(value(scope), index(scope))


def _hashtable(node: Node) -> Expression:
    entries = [parts(entry) for body in parts(node) for entry in parts(body)]
    compiled = [(_key(key), compile_expression(value)) for key, value in entries]

    def run(scope: Scope) -> Hashtable:
        table = Hashtable()
        for key, value in compiled:
            table[key(scope)] = plain(value(scope))
        return table

    return run


def _key(node: Node) -> Expression:
    inner = only(node)
    if inner.type == "simple_name":
        name = text_of(inner)
        return lambda _: name
    compiled = compile_expression(inner)
    return lambda scope: key if isinstance(key := plain(compiled(scope)), int) else to_text(key)


def _array(node: Node) -> Expression:
    from reconciler.simulator.powershell.statements import compile_statements

    bodies = [compile_statements(child) for child in parts(node)]

    def run(scope: Scope) -> list[Any]:
        outputs: list[Any] = []
        for body in bodies:
            body(scope, outputs)
        return outputs

    return run


def _sub_expression(node: Node) -> Expression:
    run = _array(node)
    return lambda scope: collapsed(run(scope))


def _block(node: Node) -> Expression:
    from reconciler.simulator.powershell.statements import compile_block

    block: ScriptBlock = compile_block(node)
    return lambda _: block


def _pipeline(node: Node) -> Expression:
    from reconciler.simulator.powershell.pipelines import compile_pipeline_value

    return compile_pipeline_value(node)


def _literal_type(node: Node) -> Expression:
    value = type_of(node)
    return lambda _: value


def truth(expression: Expression) -> Callable[[Scope], bool]:
    """Return a condition."""
    return lambda scope: to_bool(expression(scope))


def number_range(text: str) -> Expression | None:
    """Return ``1..40`` as an array of numbers (the grammar takes it for a command's name), or None for other texts."""
    if (match := re.fullmatch(r"(\d+)\.\.(\d+)", text)) is None:
        return None
    first, last = int(to_number(match[1], "int")), int(to_number(match[2], "int"))
    values = list(range(first, last + 1)) if first <= last else list(range(first, last - 1, -1))
    return lambda _: values


_COMPILERS: dict[str, Callable[[Node], Expression]] = {
    "unary_expression": _passing_on,
    "integer_literal": _integer,
    "string_literal": _string,
    "variable": _variable,
    "expression_with_unary_operator": _unary,
    "comparison_expression": _comparison,
    "logical_expression": _logical,
    "additive_expression": _binary(operators.ARITHMETIC),
    "multiplicative_expression": _binary(operators.ARITHMETIC),
    "format_expression": _format,
    "array_literal_expression": _array_literal,
    "member_access": _member,
    "invocation_expression": _invocation,
    "element_access": _element,
    "hash_literal_expression": _hashtable,
    "array_expression": _array,
    "sub_expression": _sub_expression,
    "parenthesized_expression": _passing_on,
    "script_block_expression": _block,
    "type_literal": _literal_type,
    "pipeline": _pipeline,
    "pipeline_chain": _pipeline,
}
