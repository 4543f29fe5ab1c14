"""Python means in JavaScript what it means in Python: the same functions are asked the same, with anything at all."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import language
from javascript import JavaScript
from traceability.browser.compile import program
from traceability.browser.minify import minify
from traceability.browser.shorten import shorten
from traceability.browser.source import Source, Unsupported

HERE = Path(__file__).parent
TEXT = Path(language.__file__).read_text(encoding="utf-8")
ALIKE = frozenset({"TypeError", "OverflowError"})
"""Errors of programs, not of what they read: their words are Python's own."""

KNOWN = st.characters(exclude_categories=("Cs", "Cn"))
"""Characters that both know: what a later Unicode brings shows differently."""
integers = st.one_of(
    st.integers(-9, 9), st.integers(), st.integers(2**53 - 5, 2**53 + 5), st.integers(-(2**80), 2**80)
)
texts = st.one_of(
    st.sampled_from(["", "a", "b", "ab", "one", "end", "a,b,,c", " x  y\t", "\U0001f600a", "\ufb01", "é'\""]),
    st.text(KNOWN, max_size=8),
)
keys = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    texts,
    st.binary(max_size=3),
    st.tuples(integers, texts),
    st.frozensets(st.integers(0, 3), max_size=3),
)
values = st.recursive(
    keys,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from(["kind", "value", "a", "\0b"]), inner, max_size=3),
    ),
    max_leaves=5,
)
BY_ANNOTATION: dict[str, st.SearchStrategy[Any]] = {
    "int": integers,
    "bool": st.booleans(),
    "str": texts,
    "bytes": st.one_of(st.binary(max_size=6), texts.map(str.encode)),
    "Any": values,
    "list[int]": st.lists(st.one_of(st.integers(-3, 9), integers), max_size=5),
    "list[str]": st.lists(texts, max_size=5),
    "list[Any]": st.lists(keys, max_size=5),
    "list[tuple[str, int]]": st.lists(st.tuples(st.sampled_from("abcz\0"), integers), max_size=5),
    "dict[str, int]": st.dictionaries(texts, integers, max_size=3),
}


def questions() -> dict[str, list[st.SearchStrategy[Any]]]:
    """The functions that can be asked, and what with."""
    found = {}
    for node in ast.parse(TEXT).body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and not node.args.kwonlyargs:
            kinds = [ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation]
            if (
                node.returns
                and ast.unparse(node.returns) == "Any"
                and all(kind in BY_ANNOTATION for kind in kinds)
            ):
                found[node.name] = [BY_ANNOTATION[kind] for kind in kinds]
    return found


QUESTIONS = questions()


@pytest.fixture(scope="module")
def javascript() -> Iterator[JavaScript]:
    """The functions of `language`, compiled."""
    driver = (HERE / "language.js").read_text(encoding="utf-8")
    process = JavaScript([("language", name) for name in QUESTIONS], driver, Source({"language": TEXT}))
    yield process
    process.close()


def written(value: Any) -> Any:
    """A value as JSON that keeps its type, as `language.js` writes it."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return {"i": str(value)}
        case bytes():
            return {"b": value.hex()}
        case dict():
            return {"d": [[written(key), written(each)] for key, each in value.items()]}
        case set() | frozenset() | language.Counter():
            items = sorted(
                (msgspec.json.encode(written(each)).decode() for each in value),
                key=lambda s: s.encode("utf-16-be"),
            )
            return {"f" if isinstance(value, frozenset) else "s": items}
        case language.Point() | language.Edge() | language.Thing():
            names = (
                getattr(value, "__struct_fields__", None)
                or getattr(value, "_fields", None)
                or list(value.__dataclass_fields__)
            )
            return {"o": [type(value).__name__, *(written(getattr(value, name)) for name in names)]}
        case list() | tuple():
            return {"t" if isinstance(value, tuple) else "l": [written(each) for each in value]}
    if type(value) is type({}.keys()):
        return written(frozenset(value))
    raise TypeError(type(value))


def asked(name: str, arguments: list[Any]) -> Any:
    try:
        return written(getattr(language, name)(*arguments))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other must raise it too
        return {"e": [type(error).__name__, str(error)]}


def comparable(answer: Any) -> Any:
    """An answer, without the words of errors that are only alike."""
    return (
        {"e": answer["e"][:1]}
        if isinstance(answer, dict) and "e" in answer and answer["e"][0] in ALIKE
        else answer
    )


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_python_says_javascript_says(name, javascript):
    """Each function gives the same value, or raises the same error, for whatever it is asked."""

    @settings(max_examples=60)
    @given(st.tuples(*QUESTIONS[name]))
    def ask(arguments):
        question = [name, *map(written, arguments)]
        assert comparable(javascript.ask(question)) == comparable(asked(name, list(arguments)))

    ask()


def test_all_that_can_be_asked_is_asked():
    """No function of the language is left out by an annotation that nothing stands for."""
    wanted = {n for n, f in inspect.getmembers(language, inspect.isfunction) if f.__module__ == "language"}
    helpers = {"walked", "paired", "logged", "figures", "defaults", "callable_of"}
    assert wanted - set(QUESTIONS) == helpers


@pytest.mark.parametrize(
    "text",
    [
        "async def f(): ...",
        "def f(x):\n    global y\n    y = x",
        "def f(x):\n    del x[0]",
        "def f(x):\n    return x / 2",
        "def f(x):\n    return 1.5",
        "def f(x):\n    return x @ x",
        "def f(x):\n    return eval(x)",
        "def f(x):\n    return unknown + x",
        "def f(x):\n    for y in x:\n        pass\n    else:\n        return 1",
        "def f(x):\n    import os\n    return os",
        "def f(x, y=[x for x in (1,)]):\n    return y",
        "def f(x):\n    class C: ...\n    return C",
        "import os\ndef f(x):\n    return os",
        "def f(x):\n    return g(x, z=1)\ndef g(x):\n    return x",
        "def f(x):\n    return f'{x!a}'",
    ],
)
def test_what_the_compiler_does_not_know_it_names(text):
    """Python outside of what the core uses is an error that names the file and the line, never JavaScript that does something."""
    with pytest.raises(Unsupported, match=r"^exotic\.py:\d+: "):
        program(Source({"exotic": text}), ["exotic"]).sections([("exotic", "f")])


def test_the_same_sources_give_the_same_module():
    """Compiling in two processes gives the same bytes: whoever has the sources can check what a server sends."""
    said = "import sys; from traceability.browser.bundle import bundle; sys.stdout.buffer.write(bundle().encode())"
    made = [
        subprocess.run(
            [sys.executable, "-c", said], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1]
    assert made[0].count(b"export {") == 1


def test_short_names_are_for_names_alone():
    """What stands in quotes, in templates and behind points is left as it is; a name at top level is the same wherever it stands."""
    text = 'const long_name = "long_name"; // long_name\nlet other = `${long_name} long_name ${`in ${other}`}`; x(...other, y.other, i++ + +i);\n'
    assert minify(text) == (
        'const B="long_name";\nlet A=`${B} long_name ${`in ${A}`}`;\nC(...A,a.other,b++ + +b);\n'
    )


def test_every_function_begins_anew_with_short_names():
    """Functions name what is theirs alike; a function in a class sees the names around it, and none of its neighbours."""
    text = "function f(one, $b1) { return g((two) => one + two + $b1 + f); }\n(($s) => { h({}, function (one) { $s(one); }, function (two) { $s(two); }); })(f);\n"
    assert minify(text) == (
        "function A(a,b){return c(d=>a+d+b+A)}\n(s=>{a({},function(b){s(b)},function(b){s(b)})})(A);\n"
    )


def test_what_is_often_taken_from_a_library_has_a_name_of_its_own():
    """Three times is often; a property that looks like a library is none."""
    text = "f($.add(1), $.add(2), $.add(3), $typing.Any, x.$typing.Any, $r.add, $r.add, $r.add);"
    assert minify(text) == "const{add:A}=$;\nB(A(1),A(2),A(3),$typing.Any,a.$typing.Any,r.add,r.add,r.add);\n"


def test_properties_written_by_hand_keep_their_names():
    """Keys of objects and classes are told from names, patterns from division; what a browser knows stays."""
    text = """
    class Held { size = 1; get count() { return this.size; } static of({ size, count = size }) { return { size, count: size / 2, $x() {} }; } }
    function* each(all) { const { length } = crypto; for (const [first] of all) yield { ...first, all }; }
    const form = (text) => /["/]{2}text/u.test(text) ? { text: `${text}` } : parseInt(text);
    """
    assert shorten(text) == (
        "class Held{size=1;get count(){return this.size}static of({size:a,count:b=a}){return{size:a,count:a/2,$x(){}}}}\n"
        "function*A(a){const{length:b}=crypto;for(const[c]of a)yield{...c,all:a}}\n"
        'const B=a=>/["/]{2}text/u.test(a)?{text:`${a}`}:parseInt(a);\n'
    )
