// itertools: the three of them the core uses.

import * as $ from "../runtime.js";

export function* pairwise(items) {
  let before;
  for (const item of items) {
    if (before !== undefined) yield $.T(before, item);
    before = item;
  }
}

export function* compress(items, chosen) {
  const wanted = chosen[Symbol.iterator]();
  for (const item of items) {
    const { done, value } = wanted.next();
    if (done) return;
    if ($.truth(value)) yield item;
  }
}

/** At most `stop` items; an iterator is left where it then stands. */
export function* islice(items, stop) {
  const source = items[Symbol.iterator]();
  for (let n = 0; n < stop; n++) {
    const { done, value } = source.next();
    if (done) return;
    yield value;
  }
}
