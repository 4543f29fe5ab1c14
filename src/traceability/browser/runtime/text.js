// Text, by code points where UTF-16 would tell another story.

import { AttributeError, IndexError, TypeError_, UnicodeEncodeError, ValueError, Float, define, eq } from "./objects.js";
import { Dict, FrozenSet, Set_, T, Tuple, isSequence } from "./containers.js";
import { isInt, norm } from "./numbers.js";
import { zip } from "./iteration.js";
import { encodeUtf8, b, latin1 } from "./bytes.js";

const SURROGATE = /[\ud800-\udfff]/;
export const hasSurrogates = (text) => SURROGATE.test(text);
export const lengthOf = (text) => (hasSurrogates(text) ? Array.from(text).length : text.length);

/** Order by code point. A surrogate stands for something above all of the first plane. */
export function compareText(a, b) {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? Math.sign(lifted(x) - lifted(y)) : Math.sign(x - y);
  }
  return Math.sign(a.length - b.length);
}
const lifted = (unit) => (unit <= 0xdfff ? unit + 0x10000 : unit);

export function str(value = "") {
  switch (typeof value) {
    case "string": return value;
    case "number": case "bigint": return String(value);
    case "boolean": return value ? "True" : "False";
  }
  return typeof value?.$__str__ === "function" ? value.$__str__() : repr(value);
}
str.$$check = (value) => typeof value === "string";

const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
function escaped(char) {
  if (SHORT[char]) return SHORT[char];
  const code = char.codePointAt(0);
  const [mark, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${mark}${code.toString(16).padStart(width, "0")}`;
}

export function repr(value) {
  switch (typeof value) {
    case "string": {
      const quote = value.includes("'") && !value.includes("\"") ? "\"" : "'";
      const plain = value.replace(/[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, escaped);
      return quote + (quote === "'" ? plain.replaceAll("'", "\\'") : plain) + quote;
    }
    case "number": case "bigint": case "boolean": return str(value);
    case "function": return `<class '${value.$__name__}'>`;
  }
  if (value === null) return "None";
  if (value instanceof Uint8Array) return "b" + repr(latin1(value)).replace(/[\x80-\xff]/g, escaped);
  if (value instanceof Float) return value.toString();
  const fields = value.constructor.$$fields;
  if (fields?.length) return `${value.constructor.$__name__}(${fields.map((name) => `${name}=${repr(value["$" + name])}`).join(", ")})`;
  if (value instanceof Tuple) return value.length === 1 ? `(${repr(value[0])},)` : `(${value.map(repr).join(", ")})`;
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (value instanceof Dict) return `{${Array.from(value.pairs(), ([key, each]) => `${repr(key)}: ${repr(each)}`).join(", ")}}`;
  if (value instanceof Set_) {
    const items = `{${Array.from(value, repr).join(", ")}}`;
    return value instanceof FrozenSet ? `frozenset(${value.size ? items : ""})` : value.size ? items : "set()";
  }
  return typeof value.$__repr__ === "function" ? value.$__repr__() : `<${value.constructor.$__name__} object>`;
}

/** `f"{value:spec}"`, for texts and integers. */
export function format(value, spec = "") {
  const [, fill, align, sign, alternate, zero, width, comma, precision, kind] =
    /^(?:(.)?([<>^=]))?([+ -])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z])?$/su.exec(spec) ?? [];
  if (spec !== "" && width === undefined && !(align || sign || alternate || zero || comma || precision || kind)) throw new ValueError(`Invalid format specifier '${spec}'`);
  let said, minus = "";
  if (isInt(value) && (typeof value !== "boolean" || spec !== "")) {
    const base = { x: 16, X: 16, b: 2, o: 8 }[kind] ?? 10;
    said = (value < 0 ? -BigInt(value) : BigInt(value)).toString(base);
    if (kind === "X") said = said.toUpperCase();
    if (comma) said = said.replace(/\B(?=(\d{3})+$)/g, comma);
    minus = (value < 0 ? "-" : sign === "+" || sign === " " ? sign : "") + (alternate ? `0${kind}` : "");
  } else {
    said = str(value);
    if (precision !== undefined) said = Array.from(said).slice(0, Number(precision)).join("");
  }
  const isNumber = isInt(value);
  const missing = Math.max(0, Number(width ?? 0) - lengthOf(minus + said));
  const filling = (fill ?? (zero ? "0" : " ")).repeat(missing);
  switch (align ?? (zero && isNumber ? "=" : isNumber ? ">" : "<")) {
    case "=": return minus + filling + said;
    case ">": return filling + minus + said;
    case "^": return filling.slice(0, missing >> 1) + minus + said + filling.slice(missing >> 1);
    default: return minus + said + filling;
  }
}

/** `int(text, base)`. Unlike Python it knows no digits but ASCII's. */
export function fromDigits(text, base) {
  const plain = text.trim().replace(/^([+-]?)0(?:x(?=.)|b(?=.)|o(?=.))/i, (whole, sign) => ({ x: 16, b: 2, o: 8 })[whole.slice(-1).toLowerCase()] === base ? sign : whole);
  const [, sign, digits] = /^([+-]?)([0-9a-z]+(?:_[0-9a-z]+)*)$/i.exec(plain) ?? [];
  const wrong = () => new ValueError(`invalid literal for int() with base ${base}: ${repr(text)}`);
  if (digits === undefined) throw wrong();
  const figures = digits.replaceAll("_", "");
  if (figures.length > 4300 && base & (base - 1)) throw new ValueError(`Exceeds the limit (4300 digits) for integer string conversion: value has ${figures.length} digits; use sys.set_int_max_str_digits() to increase the limit`);
  for (const each of figures) if (!(Number.parseInt(each, 36) < base)) throw wrong();
  if (figures.length < 10) return Number.parseInt(sign + figures, base) + 0;
  let value = 0n;
  if (base === 10) value = BigInt(figures);
  else for (const each of figures) value = value * BigInt(base) + BigInt(Number.parseInt(each, 36));
  return norm(sign === "-" ? -value : value);
}

export function ord(text) {
  return typeof text === "string" ? text.codePointAt(0) : text[0];
}
export function chr(code) {
  return String.fromCodePoint(code);
}

// What Python strips and splits at: its own list of white space.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEFT = new RegExp(`^[${SPACE}]+`);
const RIGHT = new RegExp(`[${SPACE}]+$`);
const SPACES = new RegExp(`[${SPACE}]+`);

function strip(text, chars, left, right) {
  if (chars === null) {
    const start = left ? text.replace(LEFT, "") : text;
    return right ? start.replace(RIGHT, "") : start;
  }
  const set = new Set(chars);
  const points = Array.from(text);
  let [from, to] = [0, points.length];
  while (left && from < to && set.has(points[from])) from++;
  while (right && to > from && set.has(points[to - 1])) to--;
  return points.slice(from, to).join("");
}

const some = (text, pattern) => text !== "" && pattern.test(text);

define(String, {
  encode(encoding = "utf-8", errors = "strict") { return encodeUtf8(this, encoding, errors); },
  join(parts) {
    const values = Array.isArray(parts) ? parts : Array.from(parts);
    for (const each of values) if (typeof each !== "string") throw new TypeError_("sequence item: expected str instance");
    return values.join(this);
  },
  split(separator = null, most = -1) {
    if (separator === "") throw new ValueError("empty separator");
    if (separator === null) {
      const words = strip(String(this), null, true, true);
      if (most < 0) return words === "" ? [] : words.split(SPACES);
      const made = [];
      let rest = words;
      while (rest !== "" && made.length < most && SPACES.test(rest)) {
        const { index, 0: gap } = SPACES.exec(rest);
        made.push(rest.slice(0, index));
        rest = rest.slice(index + gap.length);
      }
      return rest === "" ? made : [...made, rest];
    }
    const parts = this.split(separator);
    return most < 0 || parts.length <= most + 1 ? parts : [...parts.slice(0, most), parts.slice(most).join(separator)];
  },
  rsplit(separator, most = -1) {
    const parts = this.split(separator);
    const end = parts.length - most;
    return most < 0 || end <= 1 ? parts : [parts.slice(0, end).join(separator), ...parts.slice(end)];
  },
  splitlines() {
    const lines = this.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  },
  partition(separator) {
    const at = this.indexOf(separator);
    return at < 0 ? T(String(this), "", "") : T(this.slice(0, at), separator, this.slice(at + separator.length));
  },
  rpartition(separator) {
    const at = this.lastIndexOf(separator);
    return at < 0 ? T("", "", String(this)) : T(this.slice(0, at), separator, this.slice(at + separator.length));
  },
  strip(chars = null) { return strip(String(this), chars, true, true); },
  lstrip(chars = null) { return strip(String(this), chars, true, false); },
  rstrip(chars = null) { return strip(String(this), chars, false, true); },
  startswith(start) { return isSequence(start) ? start.some((each) => this.startsWith(each)) : this.startsWith(start); },
  endswith(end) { return isSequence(end) ? end.some((each) => this.endsWith(each)) : this.endsWith(end); },
  removeprefix(start) { return start && this.startsWith(start) ? this.slice(start.length) : String(this); },
  removesuffix(end) { return end && this.endsWith(end) ? this.slice(0, -end.length) : String(this); },
  replace(old, fresh, most = -1) {
    if (most < 0) return this.replaceAll(old, () => fresh);
    const parts = this.$split(old, most);
    return parts.join(fresh);
  },
  find(what) {
    const at = this.indexOf(what);
    return at <= 0 ? at : lengthOf(this.slice(0, at));
  },
  rfind(what) {
    const at = this.lastIndexOf(what);
    return at <= 0 ? at : lengthOf(this.slice(0, at));
  },
  index(what) {
    const at = this.$find(what);
    if (at < 0) throw new ValueError("substring not found");
    return at;
  },
  count(what) { return this.split(what).length - 1; },
  upper() { return this.toUpperCase(); },
  lower() { return this.toLowerCase(); },
  isascii() { return !/[^\0-\x7f]/.test(this); },
  isdigit() { return some(String(this), /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u); },
  isalpha() { return some(String(this), /^\p{L}+$/u); },
  isalnum() { return some(String(this), /^[\p{L}\p{Nd}\p{Nl}\p{No}]+$/u); },
  ljust(width, fill = " ") { return this + fill.repeat(Math.max(0, width - lengthOf(String(this)))); },
  rjust(width, fill = " ") { return fill.repeat(Math.max(0, width - lengthOf(String(this)))) + this; },
  zfill(width) {
    const [, sign, digits] = /^([+-]?)(.*)$/su.exec(this);
    return sign + digits.$rjust(width - sign.length, "0");
  },
  translate(table) {
    let made = "";
    for (const each of this) {
      const found = table.get(each.codePointAt(0));
      if (found !== null) made += found === undefined ? each : typeof found === "number" ? String.fromCodePoint(found) : found;
    }
    return made;
  },
});
String.prototype.$encode.$$params = ["encoding", "errors"];
String.prototype.$split.$$params = ["sep", "maxsplit"];

str.$maketrans = (from, to) => {
  if (!(from instanceof Dict)) return Dict.of(Array.from(zip(true, from, to), (pair) => pair.map(ord)));
  return Dict.of(Array.from(from.pairs(), ([each, other]) => [typeof each === "string" ? ord(each) : each, other]));
};
