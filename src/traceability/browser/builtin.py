"""What Python has built in, and what `runtime.js` calls it."""

TYPES = frozenset(
    {
        "int",
        "str",
        "bool",
        "bytes",
        "bytearray",
        "list",
        "tuple",
        "dict",
        "set",
        "frozenset",
        "object",
        "float",
        "type",
    }
)

FUNCTIONS = frozenset({
    "len", "range", "enumerate", "zip", "map", "filter", "reversed", "sorted", "min", "max", "sum", "any", "all", "abs",
    "divmod", "pow", "isinstance", "getattr", "hasattr", "iter", "next", "ord", "chr", "repr", "hash", "format",
})  # fmt: skip

KEYWORDS = {
    "sorted": ["iterable", "key", "reverse"],
    "sum": ["iterable", "start"],
    "enumerate": ["iterable", "start"],
    "int": ["x", "base"],
    "pow": ["base", "exp", "mod"],
}
"""By position, for those that are called with keywords. `min`, `max` and `zip` are their own case."""

ERRORS = frozenset({
    "BaseException", "Exception", "ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "StopIteration",
    "ArithmeticError", "OverflowError", "ZeroDivisionError", "RecursionError", "RuntimeError", "UnicodeDecodeError",
    "UnicodeEncodeError", "UnicodeError", "AttributeError", "AssertionError", "NotImplementedError",
})  # fmt: skip

METHODS = frozenset({
    "append", "extend", "insert", "pop", "remove", "clear", "index", "count", "sort", "reverse", "copy", "get", "items", "keys",
    "values", "setdefault", "update", "fromkeys", "add", "discard", "union", "intersection", "difference", "isdisjoint",
    "issubset", "issuperset", "encode", "decode", "join", "split", "rsplit", "splitlines", "strip", "lstrip", "rstrip",
    "startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "replace", "find", "rfind", "upper",
    "lower", "isascii", "isdigit", "isalnum", "isalpha", "ljust", "rjust", "zfill", "translate", "hex", "fromhex",
    "from_bytes", "to_bytes", "bit_length", "bit_count", "maketrans",
})  # fmt: skip
"""Methods of builtin values: as a value, `x.method` has to remember x."""

RETURNS = {
    **dict.fromkeys(("isinstance", "any", "all", "hasattr", "bool", "startswith", "endswith"), "bool"),
    **dict.fromkeys(
        ("isascii", "isdigit", "isalnum", "isalpha", "isdisjoint", "issubset", "issuperset"), "bool"
    ),
    **dict.fromkeys(("str", "repr", "chr", "format", "hex", "hexdigest", "isoformat"), "str"),
    **dict.fromkeys(("len", "ord", "int", "bit_length", "bit_count"), "num"),
    "bytes": "bytes",
}
"""What these functions and methods give, whatever they are called on."""

ARITHMETIC = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow", "LShift": "lshift",
    "RShift": "rshift", "BitAnd": "and", "BitOr": "or", "BitXor": "xor",
}  # fmt: skip


def built_in(name: str) -> str:
    """What the runtime calls something built in: JavaScript has a TypeError of its own, which the runtime itself may need."""
    return "TypeError_" if name == "TypeError" else name
