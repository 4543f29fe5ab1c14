// Objects: classes, errors, equality, truth, order, keys, and what is asked of a value whose type is not known.

import { Dict, FrozenSet, Set_, Tuple, isSequence, list, dict, set, frozenset, tuple } from "./containers.js";
import { bool, float, int, isInt } from "./numbers.js";
import { bytearray, bytes, latin1 } from "./bytes.js";
import { compareText, repr, str } from "./text.js";

/** Puts Python methods on a JavaScript class, unseen by those who list its properties. */
export function define(type, methods) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(type.prototype, "$" + name, { value, writable: true, configurable: true });
  }
}

// Errors

export function BaseException(...args) {
  const made = new.target === undefined ? Object.create(BaseException.prototype) : this;
  made.$__init__(...args);
  return made;
}
BaseException.prototype = Object.create(Error.prototype, {
  constructor: { value: BaseException, writable: true },
  message: { get() { return str(this); } },
  name: { get() { return this.constructor.$__name__; } },
});
BaseException.$__name__ = "BaseException";
define(BaseException, {
  __init__(...args) {
    this.$args = tuple(args);
    Error.captureStackTrace?.(this, this.constructor);
    return null;
  },
  __str__() {
    return this.$args.length === 0 ? "" : this.$args.length === 1 ? str(this.$args[0]) : repr(this.$args);
  },
  __repr__() {
    return `${this.constructor.$__name__}(${this.$args.map(repr).join(", ")})`;
  },
});
Object.defineProperty(BaseException.prototype, "$__cause__", { value: null, writable: true });

/** A new class of errors. */
export function exception(name, base) {
  return klass(name, [base], {}, null);
}

export const Exception = exception("Exception", BaseException);
export const ValueError = exception("ValueError", Exception);
export const TypeError_ = exception("TypeError", Exception);
export const LookupError = exception("LookupError", Exception);
export const IndexError = exception("IndexError", LookupError);
export const KeyError = exception("KeyError", LookupError);
export const StopIteration = exception("StopIteration", Exception);
export const ArithmeticError = exception("ArithmeticError", Exception);
export const OverflowError = exception("OverflowError", ArithmeticError);
export const ZeroDivisionError = exception("ZeroDivisionError", ArithmeticError);
export const RuntimeError = exception("RuntimeError", Exception);
export const RecursionError = exception("RecursionError", RuntimeError);
export const NotImplementedError = exception("NotImplementedError", RuntimeError);
export const AttributeError = exception("AttributeError", Exception);
export const AssertionError = exception("AssertionError", Exception);
export const UnicodeError = exception("UnicodeError", ValueError);
export const UnicodeDecodeError = exception("UnicodeDecodeError", UnicodeError);
export const UnicodeEncodeError = exception("UnicodeEncodeError", UnicodeError);
define(KeyError, {
  __str__() {
    return this.$args.length === 1 ? repr(this.$args[0]) : BaseException.prototype.$__str__.call(this);
  },
});

/** What an except clause sees of something thrown: a stack that is full is Python's RecursionError. */
export function caught(error) {
  const full = error instanceof RangeError || error?.name === "InternalError";
  return full && /stack|recursion/i.test(error.message) ? new RecursionError("maximum recursion depth exceeded") : error;
}

/** What `raise x` throws: x, or an object of the class x. */
export const raised = (error) => (typeof error === "function" ? new error() : error);

export function cause(error, from) {
  const made = raised(error);
  made.$__cause__ = from;
  return made;
}

// Classes

class Member {
  constructor(kind, work) {
    this.kind = kind;
    this.work = work;
  }
}
export const property = (work) => new Member("property", work);
export const classmethod = (work) => new Member("classmethod", work);
export const staticmethod = (work) => new Member("staticmethod", work);

/** Makes a class; see docs/browser.md. */
export function klass(name, bases, meta, make) {
  const base = bases[0] ?? null;
  const made =
    make ??
    function (...args) {
      const self = new.target === undefined ? Object.create(made.prototype) : this;
      self.$__init__(...args);
      return self;
    };
  meta = { kind: base?.$$meta?.kind ?? "plain", fields: [], members: [], options: {}, ...meta };
  const above = base?.prototype ?? (meta.kind === "named" ? Tuple.prototype : PlainObject);
  made.prototype = Object.create(above, { constructor: { value: made, writable: true } });
  if (base) Object.setPrototypeOf(made, base);
  const fields = new Map([...(base?.$$all ?? []), ...meta.fields].map((each) => [each[0], each]));
  own(made, { $__name__: name, $$meta: meta, $$all: [...fields.values()], $$fields: [...fields.keys()], $$slots: [...fields.keys()].map((each) => "$" + each), $$kw: undefined, $$params: meta.params });
  if (make) made.$$params = meta.params ?? made.$$fields;
  if (meta.kind === "named") likeTuple(made);
  if (meta.kind !== "plain") made.$__match_args__ = tuple(made.$$fields);
  for (const [each, value] of meta.members) member(made, "$" + each, value);
  made.$$define?.(made, meta);
  return made;
}

/** Sets properties on an object itself, whatever it inherits. */
function own(object, values) {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
  }
}

const PlainObject = Object.create(Object.prototype);
define({ prototype: PlainObject }, { __init__() { return null; } });

function member(made, name, value) {
  if (value instanceof Member) {
    if (value.kind === "property") Object.defineProperty(made.prototype, name, { get: value.work, configurable: true });
    else made[name] = value.work;
    if (value.kind === "staticmethod") made.prototype[name] = value.work;
  } else if (typeof value?.$__get__ === "function") {
    const get = function () { return value.$__get__(this, made); };
    Object.defineProperty(made.prototype, name, { get, configurable: true });
  } else {
    Object.defineProperty(made.prototype, name, { value, writable: true, configurable: true });
    if (typeof value !== "function" || value.$$meta) made[name] = value;
  }
}

// A NamedTuple keeps its fields as properties; elements and length are seen through them.
function likeTuple(made) {
  made.$$fields.forEach((name, at) => Object.defineProperty(made.prototype, at, { get() { return this["$" + name]; } }));
  Object.defineProperty(made.prototype, "length", { value: made.$$fields.length });
}

/** The function behind a method or classmethod, as the class has it itself. */
export const getmember = (type, name) => Object.getOwnPropertyDescriptor(type.prototype, name)?.value ?? type[name];
export { getmember as member };

/** A function that has a name: one that a decorator is given. */
export const named = (name, work) => Object.assign(work, { $__name__: name });

export const alloc = (type) => Object.create(type.prototype);
export const parent = (type) => Object.getPrototypeOf(type.prototype);
export const isStruct = (value) => value?.constructor?.$$meta?.kind === "struct";

/** A method taken off its object, which it remembers. */
export function bound(value, name) {
  const found = value[name];
  if (typeof found !== "function" || found.$$meta) return found;
  const made = found.bind(value);
  made.$$params = found.$$params;
  return made;
}

Object.defineProperty(Function.prototype, "$__name__", {
  get() { return this.name; },
  set(value) { Object.defineProperty(this, "$__name__", { value, writable: true, configurable: true }); },
  configurable: true,
});
Object.defineProperty(Function.prototype, "$__doc__", { value: null, writable: true, configurable: true });

export function getattr(value, name, otherwise) {
  const found = value["$" + name];
  if (found !== undefined) return typeof found === "function" ? bound(value, "$" + name) : found;
  if (otherwise !== undefined) return otherwise;
  throw new AttributeError(`'${type(value).$__name__}' object has no attribute '${name}'`);
}
export const hasattr = (value, name) => value["$" + name] !== undefined;

/** `x.__dict__`: the own attributes of an object, as a mapping that writes through. */
export function vars(value) {
  return new Attributes(value);
}
class Attributes {
  constructor(of) { this.of = of; }
  has(name) { return Object.hasOwn(this.of, "$" + name); }
  get(name) { return this.has(name) ? this.of["$" + name] : undefined; }
  set(name, value) {
    Object.defineProperty(this.of, "$" + name, { value, writable: true, configurable: true, enumerable: false });
    return this;
  }
  delete(name) { return this.has(name) && delete this.of["$" + name]; }
  pairs() { return Object.keys(this.of).map((name) => [name.slice(1), this.of[name]]); }
  [Symbol.iterator]() { return this.pairs().map(([name]) => name)[Symbol.iterator](); }
  $get(name, otherwise = null) { return this.get(name) ?? otherwise; }
  $pop(name, otherwise) {
    const found = this.get(name);
    if (found === undefined && otherwise === undefined) throw new KeyError(name);
    this.delete(name);
    return found === undefined ? otherwise : found;
  }
  $items() { return this.pairs().map(tuple); }
}

// Calls with keywords

/** `f(*args, **kw)` where it is not known what f is. */
export function call(f, args, kw, self = undefined) {
  if (f.$$kw) return f.call(self, args, kw, self);
  const names = f.$$params;
  const placed = [...args];
  for (const name of Object.keys(kw)) {
    const at = names ? names.indexOf(name) : -1;
    if (at < 0 || at < args.length) throw new TypeError_(`${f.$__name__}() got an unexpected keyword argument '${name}'`);
    placed[at] = kw[name];
  }
  return f.apply(self, placed);
}
export const invoke = (value, name, args, kw) => call(value[name], args, kw, value);

/** Arguments in JavaScript's order, for a function of so many positional parameters, with these keyword ones and more. */
export const placed = (args, positional, keywords) => [
  ...Array.from({ length: positional }, (_, at) => args[at]),
  ...keywords,
  ...args.slice(positional),
];

/** A dict (or the attributes of an object) as keywords. */
export const kwargs = (mapping) => Object.fromEntries(mapping.pairs());

// Types as values

export const Ellipsis = { $__name__: "Ellipsis" };
export function NoneType() { return null; }
NoneType.$$check = (value) => value === null;

/** A JSON number that is no integer, so that nothing takes it for one. */
export class Float {
  constructor(value) { this.value = value; }
  toString() { return Number.isInteger(this.value) && Math.abs(this.value) < 1e16 ? this.value.toFixed(1) : String(this.value); }
  $__eq__(other) { return this.value === (other instanceof Float ? other.value : Number(other)); }
  $__lt__(other) { return this.value < (other instanceof Float ? other.value : other); }
  $__hash__() { return this.value; }
  $__str__() { return this.toString(); }
}

/** `A | B` of types. */
export class Union {
  constructor(args) { this.$__args__ = args; }
  static of(...types) {
    const flat = types.flatMap((each) => (each === null ? [NoneType] : each instanceof Union ? [...each.$__args__] : [each]));
    return new Union(tuple(new Set(flat)));
  }
}

/** `list[X]`, `tuple[X, ...]`. */
export class Alias {
  constructor(origin, args) {
    this.$__origin__ = origin;
    this.$__args__ = tuple(Array.isArray(args) ? args : [args]);
  }
}

export function object() { return Object.create(PlainObject); }
object.$$check = () => true;

/** The class of a value. */
export function type(value) {
  switch (typeof value) {
    case "string": return str;
    case "boolean": return bool;
    case "number": case "bigint": return int;
    case "function": return type;
  }
  if (value === null) return NoneType;
  if (value instanceof Uint8Array) return value.constructor === Uint8Array ? bytes : bytearray;
  if (value instanceof Float) return float;
  if (value.constructor === Array) return list;
  if (value.constructor === Tuple) return tuple;
  if (value.constructor === Dict) return dict;
  if (value.constructor === Set_) return set;
  if (value.constructor === FrozenSet) return frozenset;
  return value.constructor;
}
type.$$check = (value) => typeof value === "function" && (value.$$meta !== undefined || value.$$check !== undefined);

export function isinstance(value, kind) {
  if (kind === null) return value === null;
  if (kind instanceof Union) kind = kind.$__args__;
  if (Array.isArray(kind)) return kind.some((each) => isinstance(value, each));
  if (kind instanceof Alias) kind = kind.$__origin__;
  return kind.$$check ? kind.$$check(value) : value instanceof kind;
}

// Truth, equality, order

export function truth(value) {
  switch (typeof value) {
    case "boolean": return value;
    case "number": return value !== 0;
    case "string": return value !== "";
    case "bigint": case "function": return true;
  }
  if (value === null) return false;
  if (value.length !== undefined) return value.length > 0;
  if (value.size !== undefined) return value.size > 0;
  if (value.$__bool__ !== undefined) return value.$__bool__();
  return value.$__len__ === undefined || value.$__len__() > 0;
}

export function eq(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") {
    if (typeof a === "boolean") return Number(a) === b;
    if (typeof b === "boolean") return a === Number(b);
    return a instanceof Float ? a.$__eq__(b) : b instanceof Float && b.$__eq__(a);
  }
  if (a === null || b === null) return false;
  if (isSequence(a)) return isSequence(b) && a instanceof Tuple === b instanceof Tuple && alike(a, b, eq);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b);
  if (a instanceof Dict) return b instanceof Dict && a.size === b.size && every(a.pairs(), ([key, value]) => b.has(key) && eq(value, b.get(key)));
  if (a instanceof Set_) return b instanceof Set_ && a.size === b.size && every(a, (each) => b.has(each));
  if (a.$__eq__ !== undefined) return a.$__eq__(b);
  const kind = a.constructor.$$meta?.kind;
  if (kind === undefined || kind === "plain" || a.constructor !== b.constructor) return false;
  return a.constructor.$$slots.every((slot) => eq(a[slot], b[slot]));
}

function alike(a, b, same) {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!same(a[at], b[at])) return false;
  return true;
}

export function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function every(values, test) {
  for (const each of values) if (!test(each)) return false;
  return true;
}

/** Below, equal, above: -1, 0, 1. */
export function cmp(a, b) {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (isInt(a) && isInt(b)) return a < b ? -1 : a > b ? 1 : 0;
  if ((isSequence(a) && isSequence(b)) || (a instanceof Uint8Array && b instanceof Uint8Array)) {
    const shorter = Math.min(a.length, b.length);
    for (let at = 0; at < shorter; at++) if (!eq(a[at], b[at])) return cmp(a[at], b[at]);
    return Math.sign(a.length - b.length);
  }
  if (eq(a, b)) return 0;
  if (typeof a?.$__lt__ === "function") return a.$__lt__(b) ? -1 : 1;
  throw new TypeError_(`'<' not supported between instances of '${type(a).$__name__}' and '${type(b).$__name__}'`);
}

export const isSet = (value) => value instanceof Set_;
const within = (a, b) => every(a, (each) => b.has(each));

export function lt(a, b) {
  if (typeof a === "number" && typeof b === "number") return a < b;
  return isSet(a) ? a.size < b.size && within(a, b) : cmp(a, b) < 0;
}
export function le(a, b) {
  if (typeof a === "number" && typeof b === "number") return a <= b;
  return isSet(a) ? within(a, b) : cmp(a, b) <= 0;
}
export const gt = (a, b) => lt(b, a);
export const ge = (a, b) => le(b, a);

const UNDER = { add: "__add__", sub: "__sub__", mul: "__mul__", floordiv: "__floordiv__", mod: "__mod__", or: "__or__", and: "__and__", neg: "__neg__", abs: "__abs__", int: "__int__", pow: "__pow__" };
const isType = (value) => value === null || typeof value === "function" || value?.$__origin__ !== undefined || value?.$__args__ !== undefined || value?.$__name__ !== undefined;

/** An operator on what is neither an integer nor a collection: types, and objects that define it. */
export function binary(name, a, b) {
  const method = "$" + UNDER[name];
  if (name === "or" && isType(a) && isType(b)) return Union.of(a, b);
  if (typeof a?.[method] === "function") return a[method](b);
  if (name === "or" && a instanceof Dict) return Dict.of([...a.pairs(), ...b.pairs()]);
  throw new TypeError_(`unsupported operand type(s) for ${name}: '${type(a).$__name__}' and '${b === undefined ? "" : type(b).$__name__}'`);
}

// Keys: one JavaScript value for all Python values that are equal

/** What a dict or set keeps a value under: itself where it is primitive or compared by identity, else a text. */
export function keyOf(value) {
  switch (typeof value) {
    case "string": return value.charCodeAt(0) === 0 ? "\0s" + value : value;
    case "boolean": return value ? 1 : 0;
    case "object": return value === null ? null : keyOfObject(value);
    default: return value;
  }
}

function keyOfObject(value) {
  if (value instanceof Tuple) {
    let key = "\0t";
    for (let at = 0; at < value.length; at++) key += part(value[at]);
    return key;
  }
  if (value instanceof Uint8Array) return "\0b" + latin1(value);
  if (value instanceof FrozenSet) return "\0f" + [...value].map(part).sort().join("");
  if (Array.isArray(value) || value instanceof Dict || value instanceof Set_) throw new TypeError_(`unhashable type: '${type(value).$__name__}'`);
  if (value.$__hash__ !== undefined) return interned(value);
  const kind = value.constructor.$$meta?.kind;
  if (kind !== "struct" && kind !== "data") return value;
  let key = `\0c${numberOf(value.constructor)};`;
  for (const slot of value.constructor.$$slots) key += part(value[slot]);
  return key;
}

function part(value) {
  if (typeof value === "string" && value.charCodeAt(0) !== 0) return value.length + ":" + value;
  const key = keyOf(value);
  switch (typeof key) {
    case "string": return `${key.length}:${key}`;
    case "number": case "bigint": return `i${key};`;
    default: return key === null ? "n" : `o${numberOf(key)};`;
  }
}

const numbers = new WeakMap();
let count = 0;
function numberOf(value) {
  if (!numbers.has(value)) numbers.set(value, ++count);
  return numbers.get(value);
}

// Objects with an equality of their own: the first of those that are equal stands for all.
const representatives = new Map();
function interned(value) {
  const hash = keyOf(value.$__hash__());
  if (!representatives.has(hash)) representatives.set(hash, []);
  const alike = representatives.get(hash);
  const found = alike.find((each) => each.constructor === value.constructor && each.$__eq__(value));
  if (found === undefined) alike.push(value);
  return found ?? value;
}
export const hash = keyOf;
