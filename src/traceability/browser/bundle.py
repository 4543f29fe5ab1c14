"""The one ES module: the runtime, the shims that are used, the compiled core, the driver.

Each file is written as an ES module of its own, so that it can be read and tried by itself. Here it becomes a function
that gives what the file exports; only the forms of import and export in docs/browser.md are known.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from traceability.browser.compile import program
from traceability.browser.minify import minify
from traceability.browser.shorten import shorten
from traceability.browser.source import Source, prefix, shim

HERE = Path(__file__).parent
ROOTS = (
    ("traceability.core.verify", "verify"),
    ("traceability.core.trust_policy", "TrustPolicy.parse"),
    ("traceability.core.merkle", "verify_consistency"),
    ("traceability.core.label", "from_digits"),
    ("traceability.core.label", "read_signed"),
    ("traceability.core.tag_verify", "verify_tag"),
    ("traceability.core.trust_pack", "TrustPack.read"),
)
"""What the driver calls."""

_IMPORT = re.compile(r'^import \* as (\$|\w+) from "(\.[\w./]+)";\n', re.MULTILINE)
_NAMED_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[\w.]+";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|class)) (\w+|\$\w*)", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_KEYWORDS = re.compile(r"^(\w+)\.\$\$kw = true;", re.MULTILINE)
_ATTRIBUTE = re.compile(r"(?<!__TrustPolicy\.)\$([A-Za-z_]\w*)")
_COMMENT = re.compile(r"^\s*//[^\n]*\n|^\s*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)


def bundle(
    roots: Iterable[tuple[str, str]] = ROOTS,
    source: Source | None = None,
    driver: str | None = None,
    *,
    readable: bool = False,
) -> str:
    """The module that has what `driver` (by default that of the verifier) exports.

    `readable` keeps the names and lines of what was compiled, for those who look for a mistake.
    """
    roots = list(roots)
    driver = (HERE / "driver.js").read_text(encoding="utf-8") if driver is None else driver
    shims = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "shims").glob("*.js"))}
    compiled = program(
        source or Source(),
        [module for module, _ in roots],
        {name: _KEYWORDS.findall(text) for name, text in shims.items()},
    )
    sections = compiled.sections(
        roots, {name for text in [driver, *shims.values()] for name in _ATTRIBUTE.findall(text)}
    )
    needed = dict.fromkeys(needed_shims([*sorted(compiled.libraries), *_shims_of(driver)], shims))
    for library, names in compiled.libraries.items():
        missing = names - {name for name, _ in exports(shims[library])} - {""}
        if missing:
            raise ValueError(f"shims/{library}.js does not export {', '.join(sorted(missing))}")
    named = [prefix(module) + name.partition(".")[0] for module, name in roots]
    core = ", ".join(f'"{name}": {name}' for name in dict.fromkeys(named))
    sections += f"const $core = {{{core}}};\n"
    small = str if readable else shorten
    parts = [
        f"const $ = {_called(small(_runtime()))};\n",
        *(f"const {shim(name)} = {_called(small(_body(shims[name])))};\n" for name in needed),
        sections if readable else minify(sections),
        _driver(driver),
    ]
    return "".join(parts)


def needed_shims(names: Iterable[str], shims: dict[str, str]) -> Iterable[str]:
    """These shims and those they import, each behind what it imports."""
    for name in names:
        if name not in shims:
            raise ValueError(f"there is no shims/{name}.js for the library {name}")
        yield from needed_shims(_shims_of(shims[name]), shims)
        yield name


def _shims_of(text: str) -> list[str]:
    return [
        Path(path).stem for _, path in _IMPORT.findall(text) if not path.endswith(("runtime.js", "core.js"))
    ]


def exports(text: str) -> list[tuple[str, str]]:
    """What a file exports: the name outside, and the name inside."""
    found = [(name, name) for _, name in _EXPORT.findall(text)]
    for names in _EXPORT_LIST.findall(text):
        for each in filter(None, map(str.strip, names.split(","))):
            inside, _, outside = each.partition(" as ")
            found.append((outside or inside, inside))
    return found


def _object(text: str) -> str:
    return (
        "{"
        + ", ".join(name if name == inside else f"{name}: {inside}" for name, inside in exports(text))
        + "}"
    )


def _plain(text: str) -> str:
    """A file without its imports, exports and comments."""
    text = _NAMED_IMPORT.sub("", _EXPORT_LIST.sub("", _EXPORT.sub(r"\1 \2", _COMMENT.sub("", text))))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def _body(text: str) -> str:
    imports = "".join(
        f"const {name} = {shim(Path(path).stem)};\n" for name, path in _IMPORT.findall(text) if name != "$"
    )
    return f"{imports}{_plain(_IMPORT.sub('', text))}return {_object(text)};\n"


def _runtime() -> str:
    """The files of the runtime share one scope."""
    whole = (HERE / "runtime.js").read_text(encoding="utf-8")
    parts = [
        (HERE / path).read_text(encoding="utf-8")
        for path in re.findall(r'export \* from "\./([\w./]+)";', whole)
    ]
    names = ", ".join(_object(part)[1:-1] for part in parts)
    return f"{''.join(_plain(part) for part in parts)}return {{{names}}};\n"


def _called(body: str) -> str:
    """What the body of a function gives, once."""
    return f"(() => {{\n{body}}})()"


def _driver(text: str) -> str:
    imports = "".join(
        f"const {name} = {shim(Path(path).stem)};\n" for name, path in _IMPORT.findall(text) if name != "$"
    )
    listed = ", ".join(name if name == inside else f"{inside} as {name}" for name, inside in exports(text))
    return f"{imports}{_plain(_IMPORT.sub('', text))}export {{{listed}}};\n"
