// re: Python's regular expressions as JavaScript's, with the differences put right.
//
// The flag `u` makes both count in code points. `$` also matches before a last line feed in Python, `\Z` does not;
// `\s` is another set of characters in each; groups are named otherwise. Bytes are matched as the characters 0–255.

import * as $ from "../runtime.js";

const SPACE = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const END = "(?![\\s\\S])";

function translated(pattern) {
  let inClass = false;
  return pattern.replace(/\\U([0-9A-Fa-f]{8})|\\.|\(\?P<|[[\]$^]/gsu, (token, code) => {
    if (code) return `\\u{${code.replace(/^0+(?=.)/, "")}}`;
    if (token === "[") return inClass ? "\\[" : ((inClass = true), token);
    if (token === "]") inClass = false;
    if (token === "\\s") return inClass ? SPACE : `[${SPACE}]`;
    if (token === "\\A") return "(?<![\\s\\S])";
    if (token === "\\Z") return END;
    if (token === "(?P<") return "(?<";
    if (token === "$" && !inClass) return `(?=\\n?${END})`;
    if (/^\\[dwWDSbB]$/.test(token)) throw new Error(`${token} means something else in Python: write out what it matches`);
    return token;
  });
}

const characters = (text) => (typeof text === "string" ? text : Array.from(text, (b) => String.fromCharCode(b)).join(""));

class Match {
  constructor(found) {
    this.groups = Array.from(found, (group) => group ?? null);
    this.named = found.groups;
  }

  $__getitem__(group) {
    return typeof group === "number" ? this.groups[group] : (this.named[group] ?? null);
  }

  $groups() {
    return $.tuple(this.groups.slice(1));
  }
}

const matched = (form, text) => {
  const found = form.exec(characters(text));
  return found === null ? null : new Match(found);
};

class Pattern {
  constructor(pattern) {
    const source = translated(characters(pattern));
    this.anywhere = new RegExp(source, "u");
    this.here = new RegExp(`^(?:${source})`, "u");
    this.whole = new RegExp(`^(?:${source})$`, "u");
    this.each = new RegExp(source, "gu");
  }

  $search(text) {
    return matched(this.anywhere, text);
  }

  $match(text) {
    return matched(this.here, text);
  }

  $fullmatch(text) {
    return matched(this.whole, text);
  }

  $sub(by, text) {
    return text.replace(this.each, () => by);
  }

  $split(text) {
    return text.split(this.each);
  }
}

const patterns = new Map();

export function compile(pattern) {
  const known = patterns.get(pattern);
  if (known) return known;
  const made = new Pattern(pattern);
  patterns.set(pattern, made);
  return made;
}

export function fullmatch(pattern, text) {
  return compile(pattern).$fullmatch(text);
}

export function sub(pattern, by, text) {
  return compile(pattern).$sub(by, text);
}

export function split(pattern, text) {
  return compile(pattern).$split(text);
}
