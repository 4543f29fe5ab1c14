"""Lists as CSV, for people who go on in a spreadsheet: one line for each thing, one column for each field.

A mass is two columns, value and unit; a list stands in one cell with `;` between. A cell that a spreadsheet
would run as a formula begins with an apostrophe (CWE-1236).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from traceability.api.views import View

Format = Annotated[Literal["json", "csv"], Query(alias="format", description="`csv` for a spreadsheet")]
MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def answer(
    listed: View, rows: Sequence[View], view: type[View], headers: dict[str, str], form: str
) -> Response:
    """A list as JSON, or its rows (all of class `view`) as CSV."""
    if form == "csv":
        name = f'attachment; filename="{view.__name__.removesuffix("View").lower()}s.csv"'
        return Response(
            table(view, rows), headers={**headers, "Content-Disposition": name}, media_type=MEDIA_TYPE
        )
    return Response(listed.json(), headers=headers, media_type="application/json")


def table(view: type[View], rows: Iterable[View]) -> str:
    """The rows under the names of the view's fields, as RFC 4180 has it."""
    fields = [field.encode_name for field in msgspec.structs.fields(view)]
    plain = [msgspec.to_builtins(row) for row in rows]
    masses = {name for row in plain for name in fields if _is_mass(row.get(name))}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        [cell for name in fields for cell in ((name, f"{name}_unit") if name in masses else (name,))]
    )
    for row in plain:
        cells: list[str] = []
        for name in fields:
            value = row.get(name)
            if name in masses:
                cells += [_cell(value["value"]), value["unit"]] if _is_mass(value) else ["", ""]
            else:
                cells.append(_cell(value))
        writer.writerow(cells)
    return out.getvalue()


def _is_mass(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"unit", "value"}


def _cell(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ";".join(_text(item) for item in value)
        case dict() if _is_mass(value):
            return f"{value['value']} {value['unit']}"
        case dict():
            return " ".join(f"{name}={_text(item)}" for name, item in value.items())
        case _:
            return str(value)
