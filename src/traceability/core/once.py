"""A property worked out once: `functools.cached_property` without the lock it takes before Python 3.12."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_O = TypeVar("_O")
_T = TypeVar("_T")


class once(Generic[_T]):  # noqa: N801  # used as `property` is
    """Keeps what the method gives in the object's `__dict__`, where it is found before this is asked again.

    Two threads may both work it out; it is a pure function of an object that does not change.
    """

    def __init__(self, work: Callable[[Any], _T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, owner: None, kind: type[_O]) -> "once[_T]": ...
    @overload
    def __get__(self, owner: _O, kind: type[_O]) -> _T: ...
    def __get__(self, owner: _O | None, kind: type[_O]) -> "once[_T] | _T":
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._work(owner)
        return value
