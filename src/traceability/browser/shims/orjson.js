// orjson, as `core.canonical` uses it: with OPT_SORT_KEYS and OPT_STRICT_INTEGER, always.

import * as $ from "../runtime.js";
import * as json from "./json.js";

export const OPT_SORT_KEYS = 32;
export const OPT_STRICT_INTEGER = 64;

/** A JSON value out of bytes; each time a new one, which the caller may change. Raises ValueError. */
export function loads(data) {
  try {
    return copied(json.read(data).value);
  } catch (error) {
    if (error instanceof json.NoJson) throw new $.ValueError(error.message);
    throw error;
  }
}

export function dumps(value) {
  return json.write(value);
}
dumps.$$params = ["value", "default", "option"];

function copied(value) {
  if (Array.isArray(value)) return value.map(copied);
  if (!(value instanceof $.Dict)) return rounded(value);
  const copy = new $.Dict();
  for (const [key, each] of value.pairs()) copy.set(key, copied(each));
  return copy;
}

/** Integers that 64 bits do not hold are floats to orjson. */
function rounded(value) {
  if (typeof value !== "bigint" || (value >= -(2n ** 63n) && value < 2n ** 64n)) return value;
  return new $.Float(Number(value));
}
