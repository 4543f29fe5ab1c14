// msgspec: structs read from JSON by their types, and copies of them with other values.

import * as $ from "../runtime.js";
import * as json_ from "./json.js";
import * as re from "./re.js";
import * as typing from "./typing.js";

export const MsgspecError = $.exception("MsgspecError", $.Exception);
export const DecodeError = $.exception("DecodeError", MsgspecError);
export const ValidationError = $.exception("ValidationError", DecodeError);

export const Struct = $.klass("Struct", [], { module: "msgspec", kind: "struct", fields: [], options: {}, members: [] }, null);

export const UnsetType = $.klass("UnsetType", [], { module: "msgspec", fields: [], options: {}, members: [] }, null);
export const UNSET = $.alloc(UnsetType);

export function Meta(args, bounds) {
  return bounds;
}
Meta.$$kw = true;

/** A value that is not of the type wanted: why, and where in the whole. */
class Mismatch extends Error {
  path = "";
}

function within(place, convert, value) {
  try {
    return convert(value);
  } catch (error) {
    if (error instanceof Mismatch) error.path = place + error.path;
    throw error;
  }
}

const converters = new Map();

function converterOf(type) {
  let convert = converters.get(type);
  if (convert === undefined) converters.set(type, (convert = makeConverter(type, {})));
  return convert;
}

function makeConverter(type, bounds) {
  if (type.$__metadata__) return makeConverter(type.$__origin__, Object.assign({}, ...type.$__metadata__, bounds));
  if (type === typing.Any) return (value) => value;
  if (type === $.str) return text(bounds);
  if (type === $.int) return integer(bounds);
  if (type.$__origin__ === typing.Literal) return literal(new Set(type.$__args__));
  if (type.$__origin__ === $.list) return list(converterOf(type.$__args__[0]), bounds);
  if (type.$__origin__ === $.tuple) {
    const { $__args__: types } = type;
    if (types[1] !== $.Ellipsis) return tuple([...types].map(converterOf));
    const convert = list(converterOf(types[0]), bounds);
    return (value) => $.tuple(convert(value));
  }
  if (type instanceof $.Union) return converterOf([...type.$__args__].find((each) => each !== UnsetType));
  if (type.$$all) return struct(type);
  throw new Error(`msgspec reads no ${$.repr(type)} here`);
}

function wanted(name, value) {
  throw new Mismatch(`Expected \`${name}\`, got \`${nameOf(value)}\``);
}

function nameOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof $.Dict) return "object";
  if (value instanceof $.Float) return "float";
  return { string: "str", number: "int", bigint: "int", boolean: "bool" }[typeof value];
}

function text({ min_length: min, max_length: max, pattern }) {
  const form = pattern && re.compile(pattern);
  return (value) => {
    if (typeof value !== "string") wanted("str", value);
    if (min !== undefined && $.len(value) < min) throw new Mismatch(`Expected \`str\` of length >= ${min}`);
    if (max !== undefined && $.len(value) > max) throw new Mismatch(`Expected \`str\` of length <= ${max}`);
    if (form && form.$search(value) === null) throw new Mismatch(`Expected \`str\` matching regex ${$.repr(pattern)}`);
    return value;
  };
}

function integer({ ge, le }) {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") wanted("int", value);
    if (value < ge) throw new Mismatch(`Expected \`int\` >= ${ge}`);
    if (value > le) throw new Mismatch(`Expected \`int\` <= ${le}`);
    return value;
  };
}

function literal(values) {
  return (value) => {
    if (typeof value !== "string") wanted("str", value);
    if (!values.has(value)) throw new Mismatch(`Invalid enum value ${$.repr(value)}`);
    return value;
  };
}

function list(convert, { min_length: min }) {
  return (value) => {
    if (!Array.isArray(value)) wanted("array", value);
    if (value.length < min) throw new Mismatch(`Expected \`array\` of length >= ${min}`);
    return value.map((item, place) => within(`[${place}]`, convert, item));
  };
}

function tuple(converts) {
  return (value) => {
    if (!Array.isArray(value)) wanted("array", value);
    if (value.length !== converts.length) throw new Mismatch(`Expected \`array\` of length ${converts.length}`);
    return $.tuple(converts.map((convert, place) => within(`[${place}]`, convert, value[place])));
  };
}

function struct(kind) {
  const fields = kind.$$all.map(([name, annotation, initial]) => ({
    name,
    initial,
    convert: converterOf(annotation()),
  }));
  const known = new Map(fields.map((field, place) => [field.name, place]));
  const closed = kind.$$meta.options.forbid_unknown_fields;
  return (value) => {
    if (!(value instanceof $.Dict)) wanted("object", value);
    const found = new Array(fields.length);
    for (const [name, each] of value.pairs()) {
      const place = known.get(name);
      if (place !== undefined) found[place] = within(`.${name}`, fields[place].convert, each);
      else if (closed) throw new Mismatch(`Object contains unknown field \`${name}\``);
    }
    fields.forEach((field, place) => {
      if (found[place] !== undefined) return;
      if (field.initial === undefined) throw new Mismatch(`Object missing required field \`${field.name}\``);
      found[place] = field.initial();
    });
    return new kind(...found);
  };
}

/** What `read` gives; of a mismatch in it a person is told where. */
function placed(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof json_.TooDeep) {
      throw new $.RecursionError("maximum recursion depth exceeded while deserializing an object");
    }
    if (error instanceof json_.NoJson) throw new DecodeError(error.message);
    if (!(error instanceof Mismatch)) throw error;
    throw new ValidationError(error.path ? `${error.message} - at \`$${error.path}\`` : error.message);
  }
}

function decode(data, type) {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return placed(() => converterOf(type)(json_.read(bytes).value));
}
decode.$$params = ["data", "type"];

export const json = { $decode: decode, $Decoder: (type) => ({ $decode: (data) => decode(data, type) }) };

/** The struct with some of its fields changed. */
export function replace([old], changes) {
  const copy = { __proto__: Object.getPrototypeOf(old), ...old };
  for (const name in changes) {
    if (!Object.hasOwn(old, `$${name}`)) throw new $.TypeError_(`no field ${name}`);
    copy[`$${name}`] = changes[name];
  }
  return copy;
}
replace.$$kw = true;

function asdict(struct) {
  const { $$fields: names, $$slots: slots } = struct.constructor;
  return $.Dict.of(names.map((name, at) => [name, struct[slots[at]]]));
}

export const structs = { $asdict: asdict, $replace: replace };

/** Structs as dicts, all the way down. */
export function to_builtins(value) {
  if (Array.isArray(value)) return value.map(to_builtins);
  if (!$.isStruct(value)) return value;
  return $.Dict.of([...asdict(value).pairs()].map(([name, each]) => [name, to_builtins(each)]));
}

export function convert(value, type) {
  return placed(() => converterOf(type)(value));
}
