"""Python as the core writes it, a little of everything: run here, and compiled to JavaScript (`test_browser_language.py`).

Each function at top level is asked the same questions in both worlds. What its annotations say is what it is asked with.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

_T = TypeVar("_T")
LARGE = 10**20 - 1
MASK = (1 << 14) - 1
NAMES: frozenset[str] = frozenset({"a", "b"})
TABLE: dict[str, int] = {name: ord(name) for name in "abc"}
for _name in ("d", "e"):
    TABLE |= {_name: len(TABLE)}
VOWELS = str.maketrans("aeiou", "12345")

# Integers


def arithmetic(a: int, b: int) -> Any:
    return [a + b, a - b, a * b, -a, ~a, abs(a), a == b, a < b, a >= b, a * b - b * a, (a - a) * -1]


def division(a: int, b: int) -> Any:
    quotient, rest = divmod(a, b)
    return [a // b, a % b, quotient, rest, quotient * b + rest == a]


def bits(a: int, b: int, n: int) -> Any:
    n = n % 200
    return [
        a << n,
        a >> n,
        a & b,
        a | b,
        a ^ b,
        a & 255,
        (a >> 3) & 1,
        a.bit_length(),
        (a & MASK).bit_count(),
    ]


def powers(a: int, n: int, m: int) -> Any:
    return [pow(a, n % 50, abs(m) + 1), a ** (n % 7), 2 ** (n % 90), LARGE % (abs(m) + 1)]


def inverse(a: int) -> Any:
    return pow(a, -1, 2**255 - 19)


def as_bytes(a: int, n: int) -> Any:
    n = n % 40
    data = a.to_bytes(n, "big")
    return [data, data[::-1], int.from_bytes(data, "big"), int.from_bytes(data, "little")]


def numbers_in_text(a: int, width: int) -> Any:
    width = width % 30
    return [
        str(a),
        f"{a:+d}|{a:x}|{a:04X}|{a:,}|{a:>8}|{a:<8}|{a:^9}|{a:0{width}d}|{a!r}",
        int(str(a)),
        int(f"{a:x}", 16),
    ]


def read_number(text: str, base: int) -> Any:
    return int(text, base % 35 + 2)


def truths_are_numbers(a: bool, b: bool, n: int) -> Any:
    return [
        a + b,
        a * n,
        sum([a, b]),
        a & b,
        a | b,
        a ^ b,
        a == 1,
        isinstance(a, int),
        isinstance(n, bool),
        n == a,
        {1: "n"}.get(a),
    ]


def totals(numbers: list[int]) -> Any:
    return [
        sum(numbers), sum(n * n for n in numbers if n > 0), sum(numbers, 7), max(numbers, default=None),
        min(numbers, default=0), sorted(numbers), sorted(numbers, reverse=True), sum([[n] for n in numbers], [0]),
    ]  # fmt: skip


# Text


def order_of_texts(texts: list[str]) -> Any:
    return [
        sorted(texts),
        max(texts, default=""),
        sorted(texts, key=len, reverse=True),
        sorted((len(t), t) for t in texts),
    ]


def parts_of_text(text: str, a: int, b: int) -> Any:
    a, b = a % 9 - 4, b % 9 - 4
    return [
        len(text),
        text[a:b],
        text[a:],
        text[:b],
        text[::-1],
        text[::2],
        list(text),
        text[-1:],
        [c for c in text if c > "b"],
    ]


def character(text: str, at: int) -> Any:
    return text[at % 8 - 4]


def searching(text: str, what: str) -> Any:
    return [
        what in text, text.find(what), text.rfind(what), text.startswith(what), text.endswith((what, "x")),
        text.partition(what or "-"), text.rpartition(what or "-"), text.split(what or ","), text.split(what or ",", 1),
        text.replace(what, "<>"), text.replace(what or "-", "+", 1), text.removeprefix(what), text.count(what or "-"),
    ]  # fmt: skip


def looks_of_text(text: str) -> Any:
    return [
        text.strip(), text.lstrip(" \t"), text.rstrip("="), text.split(), " ".join(text.split()), text.isascii(), text.ljust(6, "0"),
        text.zfill(7), text.translate(VOWELS), text * 2, "-".join(text), text.encode(), text.encode().decode() == text,
    ]  # fmt: skip


def said(text: str, value: Any) -> Any:
    return [
        f"{text}: {value}",
        f"{text!r} {value!r}",
        f"{text:>12.3}|{text:<5}|",
        repr(text),
        str(value),
        repr([value, (text,)]),
    ]


def with_surrogates(data: bytes) -> Any:
    text = data.decode(errors="surrogateescape")
    return [text, len(text), text.encode(errors="surrogateescape") == data]


def utf8(data: bytes) -> Any:
    return data.decode()


# Bytes


def parts_of_bytes(data: bytes, a: int, b: int) -> Any:
    a, b = a % 9 - 4, b % 9 - 4
    return [
        len(data), data[a:b], data[b:], list(data), data + b"-" + data, data.hex(), bytes.fromhex(data.hex()) == data, data * 2,
        b"%d %s|%c" % (a, data, abs(a)), b"".join([data, b"x"]), b"," .join([data, data]), bytes(3), bytes([1, 2]), data == bytes(list(data)),
    ]  # fmt: skip


def searching_bytes(data: bytes, what: bytes) -> Any:
    return [
        what in data, data.find(what), data.rfind(what), data.startswith(what), data.partition(what or b"-"),
        data.split(what or b","), data < what, sorted([data, what, b""]), data.rstrip(b"\0"),
    ]  # fmt: skip


def byte_at(data: bytes, at: int) -> Any:
    return data[at]


def from_hex(text: str) -> Any:
    return bytes.fromhex(text)


# Collections


def keys(values: list[Any]) -> Any:
    """Whatever can be a key; the first of equal ones stays, the newest value counts."""
    found: dict[Any, int] = {}
    for at, value in enumerate(values):
        found[value] = at  # noqa: PERF403  # it is the loop that is tried
    odd = {key: at for key, at in found.items() if at % 2}
    for key in odd:
        del_ = found.pop(key)
        found[key] = -del_
    return [
        found,
        list(found),
        odd | {1: "one", "1": "text"},
        [value in found for value in values],
        len({*values}),
        (1, True) in found,
    ]


def dicts(pairs: list[tuple[str, int]]) -> Any:
    found = dict(pairs)
    other = {"a": 1, **found, "b": 2}
    more = {**other}
    more.update(pairs)
    more.setdefault("z", 26)
    more.setdefault("a", 26)
    return [
        found, other, found == dict(reversed(pairs)), found | {"z": 0}, found.get("a"), found.get("a", 7), list(found.items()),
        sorted(found.items()), found.keys() - {"a"}, found.keys() == {"a", "b"}, list(found.values()), more, dict.fromkeys("abca"),
        more.pop("z"), more.pop("y", None), len(more), "a" in more, dict(sorted(found.items(), key=lambda pair: -pair[1])),
    ]  # fmt: skip


def missing(found: dict[str, int], key: str) -> Any:
    return found[key]


def counted(texts: list[str]) -> Any:
    count = Counter(texts)
    count.update(["a", "a"])
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for text in texts:
        by_length[len(text)].append(text)
        count[text[:1]] += 2
    return [dict(count), dict(by_length), sorted(count.values()), by_length == {}]


def sets(a: list[Any], b: list[Any]) -> Any:
    one, other = set(a), frozenset(b)
    grown = set(a)
    grown |= other
    grown.discard("none")
    grown.add("last")
    return [
        one | other, one & other, one - other, one ^ set(b), one <= other, one < other, one >= other, one == other, one.isdisjoint(other),
        grown, len(one), sorted(map(repr, one)), {*a, *b} == one | other, other.union(a, b), "last" in grown, {(1, "x"), (True, "x")},
    ]  # fmt: skip


def equal(a: Any, b: Any) -> Any:
    return [
        a == b,
        a != b,
        [a] == [b],
        (a,) == (b,),
        {"k": a} == {"k": b},
        [a] == (a,),
        a is None,
        a is True,
        bool(a),
        not a,
    ]


def lists(a: list[Any], b: list[Any], at: int) -> Any:
    at = at % 7 - 3
    whole = a + b
    same = whole
    whole += [1]
    whole.append(2)
    whole.extend(x for x in b)
    copy = list(whole)
    copy[len(copy) :] = [3]
    copy[1:2] = ["x", "y"]
    first, *middle = [0, *a]
    *start, last = (*b, 9)
    return [
        whole, same is whole, copy, whole[at:], whole[::-1], whole[1::2], whole[-2::-1], first, middle, start, last, a * 2, len(a), tuple(a) + tuple(b),
        list(reversed(a)), 1 in whole, [whole.pop(), whole.pop(0)], [1, 2] < [1, 3], (1, "b") > (1, "a"), [1] < [1, 0],
    ]  # fmt: skip


def element(values: list[int], at: int) -> Any:
    return values[at % 10 - 5]


def taken_apart(values: list[int]) -> Any:
    one, (two, three), *rest = [0, values, *values]
    return [one, two, three, rest]


def together(a: list[int], b: list[int]) -> Any:
    return [
        list(zip(a, b, strict=False)), list(enumerate(a, start=5)), [(i, x, y) for i, (x, y) in enumerate(zip(a, b, strict=False))],
        dict(zip(a, b, strict=False)), list(range(3, -4, -2)), list(range(len(a))), list(map(str, a)), 4 in range(0, 10, 2), all(x < 5 for x in a),
        any(x > 5 for x in a), next((x for x in a if x > 2), None), next(iter(b), "none"), sorted(zip(a, b, strict=False), key=lambda p: p[1]),
        [x * y for x in a for y in b if (x + y) % 2 if x], {x: y for x in a for y in b}, tuple(x for x in a), list(zip(*[a, b], strict=False)),
    ]  # fmt: skip


def same_length(a: list[int], b: list[int]) -> Any:
    return list(zip(a, b, a, strict=True))


# Going on and stopping


def values_decide(a: Any, b: Any) -> Any:
    return [
        a or b,
        a and b,
        a or b or 7,
        a and b and 7,
        not (a and b),
        b if a else a,
        (c := a) or c,
    ]


def in_between(a: int, b: int, c: int) -> Any:
    return [
        a < b < c,
        a <= b == c,
        0 <= a < 10 > b,
        a != b != c,
        a in (1, 2, None),
        str(a) in ("1", "2"),
        a not in {3, 4},
    ]


def loops(numbers: list[int]) -> Any:
    log: list[Any] = []
    for at in range(1, len(numbers)):
        if numbers[at] == 0:
            break
        if numbers[at] < 0:
            continue
        log.append((at, numbers[at - 1]))
    left = list(numbers)
    while left and (last := left.pop()) != 3:
        log.append(last)
    supply = iter(numbers)
    for number in supply:
        if number % 2:
            break
    log.extend(supply)
    functions: list[Callable[[], int]] = []
    for x in numbers:
        functions.append(lambda: x)  # noqa: B023, PERF401  # all see the last
    return [log, [function() for function in functions]]


def tries(what: int) -> Any:
    log: list[str] = []

    def fails(kind: int) -> str:
        match kind % 6:
            case 0:
                raise ValueError("a value", kind)
            case 1:
                raise KeyError("a key")
            case 2:
                return {"a": "b"}["c"]
            case 3:
                return [""][kind]
            case 4:
                raise Wrong(4, "four")
            case _:
                return "fine"

    try:
        try:
            log.append(fails(what))
        except (KeyError, IndexError) as error:
            log.append(f"looked up: {type(error).__name__}")
            raise Wrong(1, "again") from error
        except ValueError:
            log.append("value")
            if what % 2:
                raise
        else:
            log.append("else")
        finally:
            log.append("finally")
    except Wrong as error:
        log.append(f"{error} {error.number} {isinstance(error, Exception)} {error.args}")
    return log


def unhandled(what: int) -> Any:
    if what % 3 == 0:
        raise Wrong(what, "not handled")
    if what % 3 == 1:
        raise ValueError
    return int("x")


def steps(numbers: list[int]) -> Any:
    seen: list[Any] = []
    for number in walked(numbers, seen):
        seen.append(number)
        if number == 4:
            break
    return [seen, list(walked(numbers[:2], seen)), list(paired(numbers))]


def walked(numbers: Iterable[int], seen: list[Any]) -> Iterator[int]:
    for number in numbers:
        seen.append(f"before {number}")
        yield number
    yield from (number * 10 for number in numbers)
    yield from ()


def paired(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    before: int | None = None
    for number in numbers:
        if before is not None:
            yield before, number
        before = number


@contextmanager
def logged(log: list[str], *, quiet: bool = False) -> Iterator[str]:
    log.append("in")
    try:
        yield "it"
    except ValueError as error:
        log.append(f"seen: {error}")
        if not quiet:
            raise Wrong(9, str(error)) from error
    finally:
        log.append("out")


def within(what: int) -> Any:
    log: list[str] = []
    try:
        with logged(log, quiet=what % 2 == 0) as it:
            log.append(it)
            if what % 3 == 0:
                raise ValueError("inside")
            if what % 3 == 1:
                return log
    except Wrong as error:
        log.append(str(error))
    return log


def defaults(a: int, b: int = 2, *more: int, c: str = "c", d: int | None = None) -> Any:
    return [a, b, more, c, d]


def figures(rule: str, **values: int) -> dict[str, int]:
    return {f"{rule}.{name}": value for name, value in values.items()}


def calls(a: int, b: int) -> Any:
    order: list[str] = []

    def noted(name: str, value: int) -> int:
        order.append(name)
        return value

    more = [a, b]
    third = defaults(d=noted("d", 1), a=noted("a", a), c="x")
    return [
        defaults(a), defaults(a, b), defaults(a, b, 3, 4, c="z"), third, order, figures("r", low=a, high=b), defaults(*more), defaults(*more, *more),
        (lambda x, y=5, *rest: [x, y, rest])(a, b, 1), slow(a), slow(a), max([a, b], key=lambda n: -n), min(a, b, 0),  # noqa: PLC3002
    ]  # fmt: skip


@lru_cache(maxsize=16)
def slow(a: int) -> tuple[int, str]:
    return a, str(a)


def matched(value: Any) -> Any:
    match value:
        case None:
            return "none"
        case True | False:
            return "bool"
        case 0 | 1 | "one":
            return "a constant"
        case int(n) if n > 100:
            return ["large", n]
        case int():
            return "int"
        case str(text) if text.startswith("x"):
            return ["x", text]
        case ["pair", first, second]:
            return ["pair", first, second]
        case [1, *rest]:
            return ["one and", rest]
        case [*start, "end"]:
            return ["to the end", start]
        case [str() | bytes() as word, _]:
            return ["word", word]
        case {"kind": "k", "value": inner, **more}:
            return ["mapping", inner, more]
        case {"kind": _}:
            return "kind"
        case tuple():
            return "tuple"
        case Point(x=0):
            return "on the axis"
        case Point(x, y) if x == y:
            return ["diagonal", x]
        case dict() | list():
            return "other"
        case bytes() | str():
            return "text"
        case _:
            return "unknown"


# Classes


class Wrong(Exception):  # noqa: N818
    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"wrong {number}: {why}")
        self.number = number


class Point(NamedTuple):
    x: int
    y: int = 0

    @property
    def size(self) -> int:
        return abs(self.x) + abs(self.y)

    def moved(self, *, by: int = 1) -> "Point":
        return Point(self.x + by, self.y)


@dataclass(frozen=True, slots=True)
class Edge:
    start: Point
    end: Point
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("an edge weighs something")

    @classmethod
    def loop(cls, at: Point) -> "Edge":
        return cls(at, at)


class Thing(Struct, frozen=True):
    name: str
    tags: tuple[str, ...] = ()
    count: int | None = None


class Named(Thing, frozen=True, kw_only=True):
    kind: Literal["a", "b"] = "a"
    owner: str

    @property
    def whole(self) -> str:
        return f"{self.owner}'s {self.name}"


class Shape(Protocol):
    def area(self) -> int:
        """How large it is."""


class Square:
    sides: ClassVar[int] = 4
    COLOURS: ClassVar[Mapping[str, int]] = {"red": 1}

    def __init__(self, side: int) -> None:
        self.side = side

    def area(self) -> int:
        return self.side * self.side

    def grown(self) -> Self:
        return type(self)(self.side + 1)


class Oblong(Square):
    sides = 2

    def __init__(self, side: int, other: int = 3) -> None:
        super().__init__(side)
        self.other = other

    def area(self) -> int:
        return super().area() // max(self.side, 1) * self.other


class Box(Generic[_T]):
    def __init__(self, inside: _T) -> None:
        self.inside = inside

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.inside == other.inside

    def __hash__(self) -> int:
        return hash(self.inside)


def objects(a: int, b: int) -> Any:
    point, edge = Point(a, b), Edge(Point(a), Point(b, 1), weight=abs(a))
    x, y = point
    thing = Thing("t", count=a)
    named = Named("n", owner=str(b))
    shapes: list[Shape] = [Square(a), Oblong(a), Oblong(a, b).grown()]
    return [
        x, y, point.size, point.moved(), point.moved(by=b), point == (a, b), point == Point(b, a), len(point), list(point), point[1], point[-2],
        edge == Edge(Point(a), Point(b, 1), abs(a)), edge == Edge.loop(point), edge.start.x, {edge: 1}.get(Edge(Point(a), Point(b, 1), abs(a))),
        {point: "p"}.get(Point(a, b)), (a, b) in {point}, thing, replace(thing, name="u", tags=("x",)), thing == Thing("t", (), a), thing == named,  # noqa: FURB171  # a set of equal things
        {thing: 5}[Thing("t", (), a)], named.whole, named.kind, [shape.area() for shape in shapes], [type(shape).__name__ for shape in shapes],
        Square.sides, Oblong.sides, shapes[1].sides, Square.COLOURS["red"], isinstance(shapes[1], Square), isinstance(shapes[0], Oblong | Point),
        {Box(1): "box"}.get(Box(1)), Box([a]) == Box([a]), [getattr(thing, name) for name in ("name", "count")], getattr(thing, "none", None),
        sorted([point, Point(0, 0)]), max([point, Point(0)], key=lambda p: p.size), callable_of(point.moved)(), f"{point!r} {thing!r}",
    ]  # fmt: skip


def callable_of(method: Callable[..., Any]) -> Callable[..., Any]:
    return method


def light(weight: int) -> Any:
    return Edge(Point(0), Point(1), weight).weight
