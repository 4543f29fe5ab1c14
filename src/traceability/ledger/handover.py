"""Events that one process of this program has read, handed to another: bytes between the two, never from outside.

Models are put together again field by field, without looking at what was looked at already; so is what was
worked out of them once (`core.once`).
"""

import io
import pickle
from typing import Any

from pydantic import BaseModel

from traceability.core.forms import Form

_set_dict, _set_fields, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_NO_FIELDS: set[str] = set()
"""Which fields were given is asked of no event; whoever changes a model copies this first."""


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        return (_again, (type(value), value.__dict__)) if isinstance(value, Form) else NotImplemented


def _again(form: type[Form], fields: dict[str, Any]) -> Form:
    new = form.__new__(form)
    _set_dict(new, fields)
    _set_fields(new, _NO_FIELDS)
    _set_extra(new, None)
    _set_private(new, None)
    return new


def pack(value: object) -> bytes:
    """The value, events in it or not, as bytes."""
    buffer = io.BytesIO()
    _Packer(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def unpack(data: bytes) -> Any:
    """What `pack` was given, in another process that runs the same program."""
    return pickle.loads(data)  # noqa: S301  # from a process of ours
