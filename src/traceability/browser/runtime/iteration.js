// What goes over things: ranges, pairs, sums, orders. Anything JavaScript iterates will do.

import { Alias, StopIteration, TypeError_, ValueError, cmp, eq, getattr, lt, truth } from "./objects.js";
import { T, isSequence } from "./containers.js";
import { add } from "./numbers.js";
import { lengthOf } from "./text.js";

export function len(of) {
  if (typeof of === "string") return lengthOf(of);
  return of.length ?? of.size ?? of.$__len__();
}

export class Range {
  constructor(start, stop, step) {
    Object.assign(this, { start, step, length: Math.max(0, Math.ceil((stop - start) / step)) });
  }
  *[Symbol.iterator]() {
    for (let at = 0; at < this.length; at++) yield this.start + at * this.step;
  }
  $__contains__(value) {
    const at = (value - this.start) / this.step;
    return Number.isInteger(at) && at >= 0 && at < this.length;
  }
  $__getitem__(key) { return this.start + (key < 0 ? key + this.length : key) * this.step; }
  $__eq__(other) { return other instanceof Range && eq([...this], [...other]); }
}
export function range(start, stop, step = 1) {
  return stop === undefined ? new Range(0, Number(start), 1) : new Range(Number(start), Number(stop), Number(step));
}

/** An iterator over something; given as a JavaScript one, which can itself be gone over. */
export function iter(of) {
  return of[Symbol.iterator]();
}

export function next(iterator, otherwise) {
  const { done, value } = iterator.next();
  if (!done) return value;
  if (otherwise === undefined) throw new StopIteration();
  return otherwise;
}

/** An iterator that a loop may leave and another go on with. */
export function kept(of) {
  if (isSequence(of) || typeof of?.next !== "function") return of;
  return { next: () => of.next(), [Symbol.iterator]() { return this; } };
}

export function* enumerate(of, start = 0) {
  let at = start;
  for (const each of of) yield T(at++, each);
}

export function zip(strict, ...of) {
  if (of.length === 2 && isSequence(of[0]) && isSequence(of[1]) && (!strict || of[0].length === of[1].length)) {
    const made = [];
    for (let at = 0; at < of[0].length && at < of[1].length; at++) made.push(T(of[0][at], of[1][at]));
    return made[Symbol.iterator]();
  }
  return zipped(strict, of.map(iter));
}

function* zipped(strict, iterators) {
  if (!iterators.length) return;
  for (;;) {
    const row = T();
    for (const iterator of iterators) {
      const { done, value } = iterator.next();
      if (!done) row.push(value);
      else if (strict) return sameLength(iterators, row.length);
      else return;
    }
    yield row;
  }
}

function sameLength(iterators, at) {
  if (at > 0) throw new ValueError(`zip() argument ${at + 1} is shorter than argument${at > 1 ? `s 1-${at}` : " 1"}`);
  iterators.forEach((iterator, other) => {
    if (other && !iterator.next().done) throw new ValueError(`zip() argument ${other + 1} is longer than argument${other > 1 ? `s 1-${other}` : " 1"}`);
  });
}

export function* map(work, ...of) {
  if (of.length === 1) for (const each of of[0]) yield work(each);
  else for (const each of zip(false, ...of)) yield work(...each);
}

export function* filter(test, of) {
  for (const each of of) if (truth(test === null ? each : test(each))) yield each;
}

export function* reversed(of) {
  const values = isSequence(of) ? of : Array.from(of);
  for (let at = values.length - 1; at >= 0; at--) yield values[at];
}

export function sorted(of, key, reverse = false) {
  const values = Array.from(of);
  const order = truth(reverse) ? (a, b) => cmp(b, a) : cmp;
  if (key === undefined || key === null) return values.sort(order);
  return values.map((value) => [key(value), value]).sort((a, b) => order(a[0], b[0])).map((pair) => pair[1]);
}

function extreme(name, of, key, otherwise, isBetter) {
  let best, bestKey;
  for (const each of of) {
    const value = key ? key(each) : each;
    if (best === undefined || isBetter(value, bestKey)) [best, bestKey] = [each, value];
  }
  if (best !== undefined) return best;
  if (otherwise === undefined) throw new ValueError(`${name}() arg is an empty sequence`);
  return otherwise;
}
export const min = (of, key, otherwise) => extreme("min", of, key, otherwise, lt);
export const max = (of, key, otherwise) => extreme("max", of, key, otherwise, (a, b) => lt(b, a));

export function sum(of, start = 0) {
  let total = start;
  for (const each of of) total = add(total, each);
  return total;
}

export function any(of) {
  for (const each of of) if (truth(each)) return true;
  return false;
}
export function all(of) {
  for (const each of of) if (!truth(each)) return false;
  return true;
}
