// typing: the types that are looked at when a program runs, because forms are built of them.

import * as $ from "../runtime.js";

/** `Literal[…]`: one of the values `$__args__`. */
export const Literal = {
  $__getitem__: (values) => new $.Alias(Literal, values instanceof $.Tuple ? values : $.T(values)),
};

/** `Annotated[…]`: a type and what is said about it. */
export const Annotated = {
  $__getitem__([origin, ...said]) {
    return { $__origin__: origin, $__metadata__: $.tuple(said) };
  },
};

export const Any = { $__name__: "Any" };

/** The type `base` under another name. */
export function NewType(name, base) {
  const same = (value) => value;
  same.$__name__ = name;
  same.$__supertype__ = base;
  return same;
}

export function get_args(type) {
  return type.$__args__;
}
