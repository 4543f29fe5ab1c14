// Answers which function of tests/language.py is to be called, and with what. Values are written so that nothing of
// their types is lost.

import * as $ from "./runtime.js";
import * as core from "./core.js";

function written(value) {
  switch (typeof value) {
    case "string": case "boolean": return value;
    case "number": case "bigint": return { i: String(value) };
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return { b: value.$hex() };
  if (value instanceof $.Dict) return { d: Array.from(value.pairs(), ([key, each]) => [written(key), written(each)]) };
  if (value instanceof $.Set_) return { [value instanceof $.FrozenSet ? "f" : "s"]: Array.from(value, (each) => JSON.stringify(written(each))).sort() };
  if (value.constructor.$$fields?.length) return { o: [value.constructor.$__name__, ...value.constructor.$$fields.map((name) => written(value["$" + name]))] };
  if ($.isSequence(value)) return { [value instanceof $.Tuple ? "t" : "l"]: Array.from(value, written) };
  throw new Error(`nothing is known of ${value}`);
}

function read(said) {
  if (said === null || typeof said !== "object") return said;
  const [[kind, value]] = Object.entries(said);
  switch (kind) {
    case "i": return $.norm(BigInt(value));
    case "b": return $.bytes.$fromhex(value);
    case "l": return value.map(read);
    case "t": return $.tuple(value.map(read));
    case "d": return $.Dict.of(value.map(([key, each]) => [read(key), read(each)]));
    case "f": return new $.FrozenSet(value.map((each) => read(JSON.parse(each))));
  }
  throw new Error(`nothing is known of ${kind}`);
}

export function answer([name, ...given]) {
  try {
    return written(core["language__" + name](...given.map(read)));
  } catch (thrown) {
    const error = $.caught(thrown);
    return error instanceof $.BaseException ? { e: [$.type(error).$__name__, $.str(error)] } : { bug: String(thrown.stack) };
  }
}
