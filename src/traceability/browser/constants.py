"""Constants: how JavaScript writes them, and which expressions are some."""

import ast
import json


def text(value: str) -> str:
    """A text as JavaScript writes it."""
    return json.dumps(value)


def is_constant(node: ast.expr) -> bool:
    """Whether it is the same immutable value whenever it is evaluated."""
    if isinstance(node, ast.Tuple):
        return all(is_constant(each) for each in node.elts)
    return isinstance(node, ast.Constant) or folded(node) is not None


def folded(node: ast.expr) -> int | None:
    """The integer that an expression of integer constants is, None where it is something else or a long one."""
    match node:
        case ast.Constant(value=value) if type(value) is int:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = folded(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right):
            first, second = folded(left), folded(right)
            if first is None or second is None:
                return None
            match op:
                case ast.Add():
                    return first + second
                case ast.Sub():
                    return first - second
                case ast.Mult():
                    return first * second
                case ast.Pow() if 0 <= second < 1024:
                    return int(first**second)
                case ast.LShift() if 0 <= second < 1024:
                    return first << second
                case _:
                    return None
        case _:
            return None
