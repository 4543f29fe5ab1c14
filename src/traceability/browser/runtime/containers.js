// Tuples, lists, dicts and sets.

import { Alias, IndexError, KeyError, TypeError_, ValueError, define, eq, keyOf } from "./objects.js";
import { add, isInt, or } from "./numbers.js";
import { hasSurrogates } from "./text.js";
import { sorted } from "./iteration.js";

/** A tuple; a list is a plain Array. */
export class Tuple extends Array {
  static get [Symbol.species]() { return Array; }
}

/** Makes a new array the tuple of its elements. Much faster than constructing one. */
export const asTuple = (values) => Object.setPrototypeOf(values, Tuple.prototype);
export const T = (...values) => Object.setPrototypeOf(values, Tuple.prototype);
export const EMPTY = T();

export function tuple(values = EMPTY) {
  return values instanceof Tuple && Array.isArray(values) ? values : asTuple(Array.from(values));
}

export function list(values = EMPTY) {
  return Array.from(values);
}

export const isList = (value) => Array.isArray(value) && !(value instanceof Tuple);
/** Whether it is a list or a tuple. */
export const isSequence = (value) => Array.isArray(value) || value instanceof Tuple;

/** Values by Python key, in order of insertion. */
export class Dict {
  constructor() {
    this.values = new Map();
    this.keys = null; // the Python keys of those that are not their own key
  }
  static of(pairs) {
    const made = new this();
    for (const pair of pairs) made.set(pair[0], pair[1]);
    return made;
  }
  get size() { return this.values.size; }
  get(key) { return this.values.get(typeof key === "string" && key.charCodeAt(0) !== 0 ? key : keyOf(key)); }
  has(key) { return this.values.has(keyOf(key)); }
  set(key, value) {
    const under = keyOf(key);
    if (under !== key && !this.values.has(under)) (this.keys ??= new Map()).set(under, key);
    this.values.set(under, value);
    return this;
  }
  delete(key) {
    const under = keyOf(key);
    this.keys?.delete(under);
    return this.values.delete(under);
  }
  pairs() {
    const { keys } = this;
    if (keys === null) return this.values;
    return Array.from(this.values, ([under, value]) => [keys.has(under) ? keys.get(under) : under, value]);
  }
  [Symbol.iterator]() {
    const { keys } = this;
    if (keys === null) return this.values.keys();
    return Array.from(this.values.keys(), (under) => (keys.has(under) ? keys.get(under) : under))[Symbol.iterator]();
  }
}

define(Dict, {
  get(key, otherwise = null) {
    const found = this.get(key);
    return found === undefined ? otherwise : found;
  },
  items() {
    const made = [];
    for (const pair of this.pairs()) made.push(T(pair[0], pair[1]));
    return made;
  },
  keys() { return new Keys(this); },
  values() { return Array.from(this.values.values()); },
  setdefault(key, otherwise = null) {
    const found = this.get(key);
    if (found === undefined) this.set(key, otherwise);
    return found === undefined ? otherwise : found;
  },
  pop(key, otherwise) {
    const found = this.get(key);
    if (found === undefined && otherwise === undefined) throw new KeyError(key);
    this.delete(key);
    return found === undefined ? otherwise : found;
  },
  update(other) {
    for (const [key, value] of other instanceof Dict ? other.pairs() : other) this.set(key, value);
    return null;
  },
  copy() { return Dict.of(this.pairs()); },
  clear() {
    this.values.clear();
    this.keys = null;
    return null;
  },
});

export function dict(of = EMPTY) {
  return Dict.of(of instanceof Dict ? of.pairs() : of);
}
dict.$$check = (value) => value instanceof Dict;
dict.$fromkeys = (keys, value = null) => Dict.of(Array.from(keys, (key) => [key, value]));

/** A dict without some of its keys. */
export const without = (mapping, names) => {
  const rest = dict(mapping);
  for (const name of names) rest.delete(name);
  return rest;
};

export class Set_ {
  constructor(values = EMPTY) {
    this.values = new Map();
    for (const each of values) this.add(each);
  }
  get size() { return this.values.size; }
  has(value) { return this.values.has(keyOf(value)); }
  add(value) {
    const under = keyOf(value);
    if (!this.values.has(under)) this.values.set(under, value);
    return this;
  }
  [Symbol.iterator]() { return this.values.values(); }
  minus(other) { return this.kept((under) => !other.values.has(under)); }
  both(other) { return this.kept((under) => other.values.has(under)); }
  plus(other) {
    return this.copy().take(other);
  }
  /** Adds what is in another, whose keys need not be worked out again where it is a set that keeps its own. */
  take(other) {
    if (!(other instanceof Set_) || other instanceof Keys) for (const each of other) this.add(each);
    else for (const [under, value] of other.values) if (!this.values.has(under)) this.values.set(under, value);
    return this;
  }
  kept(test) {
    const made = new this.constructor();
    for (const [under, value] of this.values) if (test(under)) made.values.set(under, value);
    return made;
  }
  copy() {
    const made = new this.constructor();
    made.values = new Map(this.values);
    return made;
  }
}
export class FrozenSet extends Set_ {}

/** The keys of a dict, as they are whenever they are looked at. What is made of them is a set. */
class Keys extends Set_ {
  constructor(dict) {
    super();
    this.dict = dict;
    this.values = dict.values;
  }
  [Symbol.iterator]() { return this.dict[Symbol.iterator](); }
  copy() { return new Set_(this); }
  kept(test) { return this.copy().kept(test); }
}

const asSet = (values) => (values instanceof Set_ ? values : new Set_(values));
define(Set_, {
  add(value) { this.add(value); return null; },
  discard(value) { this.values.delete(keyOf(value)); return null; },
  remove(value) {
    if (!this.values.delete(keyOf(value))) throw new KeyError(value);
    return null;
  },
  pop() {
    for (const each of this) {
      this.values.delete(keyOf(each));
      return each;
    }
    throw new KeyError("pop from an empty set");
  },
  update(...others) {
    for (const other of others) this.take(other);
    return null;
  },
  clear() { this.values.clear(); return null; },
  copy() { return this.copy(); },
  union(...others) { return others.reduce((made, other) => made.plus(asSet(other)), this.copy()); },
  intersection(...others) { return others.reduce((made, other) => made.both(asSet(other)), this); },
  difference(...others) { return others.reduce((made, other) => made.minus(asSet(other)), this); },
  isdisjoint(other) { return this.both(asSet(other)).size === 0; },
  issubset(other) { return this.minus(asSet(other)).size === 0; },
  issuperset(other) { return asSet(other).minus(this).size === 0; },
});

export function set(values = EMPTY) {
  return new Set_(values);
}
export function frozenset(values = EMPTY) {
  return values instanceof FrozenSet ? values : new FrozenSet(values);
}
tuple.$$check = (value) => value instanceof Tuple;
list.$$check = isList;
set.$$check = (value) => value instanceof Set_ && !(value instanceof FrozenSet);
frozenset.$$check = (value) => value instanceof FrozenSet;
for (const each of [tuple, list, dict, set, frozenset]) each.$__getitem__ = (args) => new Alias(each, args);

define(Array, {
  append(value) { this.push(value); return null; },
  extend(values) {
    if (values === this) values = [...values];
    for (const each of values) this.push(each);
    return null;
  },
  insert(at, value) { this.splice(at, 0, value); return null; },
  pop(at = -1) {
    const from = at < 0 ? at + this.length : at;
    if (!(from in this)) throw new IndexError(this.length ? "pop index out of range" : "pop from empty list");
    return from === this.length - 1 ? this.pop() : this.splice(from, 1)[0];
  },
  remove(value) {
    this.splice(this.$index(value), 1);
    return null;
  },
  clear() { this.length = 0; return null; },
  copy() { return [...this]; },
  reverse() { this.reverse(); return null; },
  sort(key = null, reverse = false) {
    sorted([...this], key ?? undefined, reverse).forEach((each, at) => { this[at] = each; });
    return null;
  },
  index(value) {
    for (let at = 0; at < this.length; at++) if (eq(this[at], value)) return at;
    throw new ValueError("the value is not in the list");
  },
  count(value) { return this.filter((each) => eq(each, value)).length; },
});
Array.prototype.$sort.$$params = ["key", "reverse"];

// Elements and parts

const outside = (of) => new IndexError(of instanceof Uint8Array ? "index out of range" : `${of instanceof Tuple ? "tuple" : "list"} index out of range`);

export function getitem(of, key) {
  if (typeof key === "number" && (Array.isArray(of) || of instanceof Uint8Array || of instanceof Tuple)) {
    const found = of[key < 0 ? key + of.length : key];
    if (found === undefined) throw outside(of);
    return found;
  }
  if (of instanceof Dict) {
    const found = of.get(key);
    if (found !== undefined) return found;
    if (of.$__missing__ !== undefined) return of.$__missing__(key);
    throw new KeyError(key);
  }
  if (typeof of === "string") {
    const text = hasSurrogates(of) ? Array.from(of) : of;
    const found = text[key < 0 ? key + text.length : key];
    if (found === undefined) throw new IndexError("string index out of range");
    return found;
  }
  if (typeof key === "bigint" && of.length !== undefined) throw BigInt.asIntN(64, key) === key ? outside(of) : new IndexError("cannot fit 'int' into an index-sized integer");
  return typeof key === "boolean" && of.length !== undefined ? getitem(of, Number(key)) : of.$__getitem__(key);
}

export function setitem(of, key, value) {
  if (Array.isArray(of) || of instanceof Uint8Array) {
    const at = key < 0 ? key + of.length : key;
    if (!(at >= 0 && at < of.length)) throw new IndexError("list assignment index out of range");
    of[at] = value;
  } else if (of.set !== undefined) of.set(key, value);
  else of.$__setitem__(key, value);
}

/** Where a slice with these bounds begins and ends in so many elements. */
function bounds(length, low, high, step) {
  const inside = (at, least, most) => Math.min(Math.max(at < 0 ? at + length : at, least), most);
  if (step > 0) return [low === null ? 0 : inside(Number(low), 0, length), high === null ? length : inside(Number(high), 0, length)];
  return [low === null ? length - 1 : inside(Number(low), -1, length - 1), high === null ? -1 : inside(Number(high), -1, length - 1)];
}

export function slice(of, low, high, step = 1) {
  if (typeof of === "string") {
    if (hasSurrogates(of)) return slice(Array.from(of), low, high, step).join("");
    const [from, to] = bounds(of.length, low, high, step);
    return step === 1 ? of.slice(from, Math.max(from, to)) : slice(Array.from(of), low, high, step).join("");
  }
  const [from, to] = bounds(of.length, low, high, step);
  if (of instanceof Uint8Array && step === 1) return of.slice(from, Math.max(from, to));
  if (step === 0) throw new ValueError("slice step cannot be zero");
  const made = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) made.push(of[at]);
  return of instanceof Uint8Array ? Uint8Array.from(made) : of instanceof Tuple ? asTuple(made) : made;
}

export function setslice(of, value, low, high) {
  const [from, to] = bounds(of.length, low, high, 1);
  of.splice(from, Math.max(0, to - from), ...value);
}

export function contains(of, value) {
  if (of instanceof Dict || of instanceof Set_) return of.has(value);
  if (typeof of === "string") return of.includes(value);
  if (of instanceof Uint8Array) return value instanceof Uint8Array ? of.$find(value) >= 0 : of.includes(value);
  if (of.$__contains__ !== undefined) return of.$__contains__(value);
  if (typeof of.has === "function") return of.has(value);
  for (const each of of) if (eq(each, value)) return true;
  return false;
}

/** The elements of something that must have just so many. */
export function unpack(of, count) {
  const values = isSequence(of) ? of : taken(of, count);
  if (values.length === count) return values;
  if (values.length > count) throw new ValueError(`too many values to unpack (expected ${count})`);
  throw new ValueError(`not enough values to unpack (expected ${count}, got ${values.length})`);
}

function taken(of, count) {
  const values = [];
  for (const each of of) if (values.push(each) > count) break;
  return values;
}

/** The same where one target has a star: so many stand before it, so many behind. */
export function unpackStarred(of, before, behind) {
  const values = Array.from(of);
  if (values.length < before + behind) throw new ValueError(`not enough values to unpack (expected at least ${before + behind}, got ${values.length})`);
  const end = values.length - behind;
  return [...values.slice(0, before), values.slice(before, end), ...values.slice(end)];
}

// Operators

/** `a + b` of sequences; undefined where they are none. */
export function joined(a, b) {
  if (isList(a) && isList(b)) return a.concat(b);
  if (a instanceof Tuple && b instanceof Tuple) return asTuple([...a, ...b]);
  if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return undefined;
  const made = new Uint8Array(a.length + b.length);
  made.set(a);
  made.set(b, a.length);
  return made;
}

/** `a * n` of a sequence; undefined where it is none. */
export function repeated(a, b) {
  const [of, times] = isInt(a) ? [b, Math.max(0, Number(a))] : [a, Math.max(0, Number(b))];
  if (typeof of === "string") return of.repeat(times);
  if (!isSequence(of) && !(of instanceof Uint8Array)) return undefined;
  const values = Array.from({ length: times }, () => [...of]).flat();
  return of instanceof Uint8Array ? Uint8Array.from(values) : of instanceof Tuple ? tuple(values) : values;
}

/** `a += b`: a list grows where it is. */
export function iadd(a, b) {
  if (!isList(a)) return add(a, b);
  a.$extend(b);
  return a;
}

/** `a |= b`: a set or dict grows where it is. */
export function ior(a, b) {
  if ((a instanceof Set_ && !(a instanceof FrozenSet)) || a instanceof Dict) {
    a.$update(b);
    return a;
  }
  return or(a, b);
}
