// collections; and of collections.abc what is asked of a value at run time.

import * as $ from "../runtime.js";

export const Mapping = $.dict;

class DefaultDict extends $.Dict {
  constructor(make) {
    super();
    this.make = make;
  }

  $__missing__(key) {
    const value = this.make();
    this.set(key, value);
    return value;
  }
}

export function defaultdict(make) {
  return new DefaultDict(make);
}

class Counts extends $.Dict {
  $__missing__() {
    return 0;
  }

  $update(items) {
    for (const item of items) this.set(item, (this.get(item) ?? 0) + 1);
    return null;
  }
}

/** How often each of the items comes; of a dict, what it says. */
export function Counter(items = []) {
  if (items instanceof $.Dict) return Counts.of(items.pairs());
  const counts = new Counts();
  counts.$update(items);
  return counts;
}
