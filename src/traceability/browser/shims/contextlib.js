// contextlib: a generator around a block.

export function contextmanager(work) {
  const manager = (...args) => new Around(work(...args));
  manager.$$params = work.$$params;
  return manager;
}

class Around {
  constructor(generator) {
    this.generator = generator;
  }

  $__enter__() {
    return this.generator.next().value;
  }

  /** Whether what the block raised is dealt with; the generator may also raise something in its place. */
  $__exit__(kind, raised) {
    if (raised === null) {
      this.generator.next();
      return false;
    }
    try {
      this.generator.throw(raised);
      return true;
    } catch (error) {
      if (error === raised) return false;
      throw error;
    }
  }
}
