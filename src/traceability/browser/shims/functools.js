// functools: answers remembered. Only speed depends on it, so what is full is emptied.

import * as $ from "../runtime.js";

export function lru_cache(maxsize) {
  return (work) => {
    const answers = new Map();
    const remembering = (...args) => {
      const key = args.length === 1 ? $.keyOf(args[0]) : $.keyOf($.tuple(args));
      let answer = answers.get(key);
      if (answer === undefined) {
        answer = work(...args);
        if (answers.size >= maxsize) answers.clear();
        answers.set(key, answer);
      }
      return answer;
    };
    remembering.$$params = work.$$params;
    return remembering;
  };
}
lru_cache.$$params = ["maxsize"];
