// JSON as bytes, read and written the way of RFC 8785: what the stand-ins for orjson, msgspec and pydantic share.
//
// The engine's own JSON.parse would not do: it takes duplicate keys, cannot tell 1.0 from 1, and rounds long
// integers. Here every text is read once, and while reading it is noticed whether it is in canonical form.

import * as $ from "../runtime.js";

export const INTEGER_MAX = Number.MAX_SAFE_INTEGER;
const DEPTH_READ = 1024;
const DEPTH_WRITTEN = 254;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SHORT = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", "\"": "\"", "\\": "\\" };
const SURROGATE = /[\ud800-\udfff]/;
const LONE = /\p{Surrogate}/u;

/** Why a text is no JSON, in msgspec's words. */
export class NoJson extends Error {}
/** It may be JSON, and is nested deeper than anybody has to read. */
export class TooDeep extends NoJson {}

let last = { data: null, value: null, canonical: false };
let text = "";
let at = 0;
let depth = 0;
let canonical = true;

/** `{ value, canonical }` of JSON in UTF-8; `canonical` is whether `write` would give these bytes. Throws NoJson. */
export function read(data) {
  if (last.data === data) return last;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new NoJson("not UTF-8");
  }
  at = 0;
  depth = 0;
  canonical = true;
  const value = readValue();
  skipSpace();
  if (at < text.length) fail("trailing characters", 1);
  text = "";
  return (last = { data, value, canonical });
}

/** `ahead`: how far behind the place where reading stopped the fault is said to be. */
function fail(why, ahead = 0) {
  if (at >= text.length) throw new NoJson("Input data was truncated");
  const byte = new TextEncoder().encode(text.slice(0, at)).length + ahead;
  throw new NoJson(`JSON is malformed: ${why} (byte ${byte})`);
}

function skipSpace() {
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    canonical = false;
    at++;
  }
}

function readValue() {
  skipSpace();
  switch (text.charCodeAt(at)) {
    case 0x22:
      return readString();
    case 0x7b:
      return readObject();
    case 0x5b:
      return readArray();
    case 0x74:
      return readWord("true", true);
    case 0x66:
      return readWord("false", false);
    case 0x6e:
      return readWord("null", null);
    default:
      return readNumber();
  }
}

function readWord(word, value) {
  const found = text.startsWith(word, at);
  at += word.length;
  return found ? value : fail("invalid character");
}

function enter() {
  at++;
  if (++depth > DEPTH_WRITTEN) canonical = false;
  if (depth > DEPTH_READ) throw new TooDeep("nested too deep");
  skipSpace();
}

function readObject() {
  enter();
  const found = new $.Dict();
  if (text.charCodeAt(at) === 0x7d) return leave(found);
  for (let before = null; ; ) {
    if (text.charCodeAt(at) !== 0x22) fail("object keys must be strings");
    const key = readString();
    if (before !== null && $.cmp(before, key) >= 0) canonical = false;
    before = key;
    skipSpace();
    if (text.charCodeAt(at) !== 0x3a) fail("expected ':'");
    at++;
    found.set(key, readValue());
    if (!another(0x7d)) return leave(found);
  }
}

function readArray() {
  enter();
  const found = [];
  if (text.charCodeAt(at) === 0x5d) return leave(found);
  do found.push(readValue());
  while (another(0x5d));
  return leave(found);
}

function another(end) {
  skipSpace();
  const code = text.charCodeAt(at);
  if (code === end) return false;
  if (code !== 0x2c) fail(`expected ',' or '${String.fromCharCode(end)}'`);
  const comma = at++;
  skipSpace();
  if (text.charCodeAt(at) !== end) return true;
  at = comma;
  return fail(`trailing comma in ${end === 0x7d ? "object" : "array"}`);
}

function leave(found) {
  at++;
  depth--;
  return found;
}

function readString() {
  let from = ++at;
  let said = "";
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) break;
    if (code === 0x5c) {
      said += text.slice(from, at) + readEscape();
      from = at;
    } else if (code >= 0x20) at++;
    else fail("invalid character");
  }
  said += text.slice(from, at++);
  return said;
}

function readEscape() {
  const letter = text[at + 1];
  if (SHORT[letter] !== undefined) {
    at += 2;
    return SHORT[letter];
  }
  if (letter === "/") {
    canonical = false;
    at += 2;
    return "/";
  }
  if (letter !== "u") {
    at++;
    fail("invalid escape character in string", 1);
  }
  const unit = readUnit();
  if (unit >= 0xdc00 && unit < 0xe000) fail("invalid utf-16 surrogate pair");
  if (unit < 0xd800 || unit >= 0xe000) {
    const said = String.fromCharCode(unit);
    if (JSON.stringify(said) !== `"${text.slice(at - 6, at)}"`) canonical = false;
    return said;
  }
  canonical = false;
  const low = text.startsWith("\\u", at) ? readUnit() : 0;
  if (low < 0xdc00 || low >= 0xe000) fail("invalid utf-16 surrogate pair");
  return String.fromCharCode(unit, low);
}

function readUnit() {
  at += 2;
  for (const end = at + 4; at < end; at++) if (!/[0-9a-fA-F]/.test(text[at])) fail("invalid character in unicode escape", 1);
  return parseInt(text.slice(at - 4, at), 16);
}

function readNumber() {
  NUMBER.lastIndex = at;
  const match = NUMBER.exec(text);
  if (match === null) {
    if (text[at] === "-") at++;
    fail("invalid character");
  }
  const [said, fraction, exponent] = match;
  at += said.length;
  const number = Number(said);
  if (fraction === undefined && exponent === undefined) {
    if (Number.isSafeInteger(number)) {
      if (Object.is(number, -0)) canonical = false;
      return number + 0;
    }
    canonical = false;
    return BigInt(said);
  }
  if (!Number.isFinite(number)) throw new NoJson("Number out of range");
  if (said !== floatText(number)) canonical = false;
  return new $.Float(number);
}

/** How orjson writes a float: a point or an exponent, and the fewest digits that give it again. */
function floatText(number) {
  const sign = number < 0 || Object.is(number, -0) ? "-" : "";
  const [said, exponent] = Math.abs(number).toExponential().split("e");
  if (exponent >= 16 || exponent < -5) return `${sign}${said}e${exponent}`;
  const digits = said.replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const point = Number(exponent) + 1;
  return `${sign}${digits.slice(0, point).padEnd(point, "0")}.${digits.slice(point) || "0"}`;
}

/** Canonical bytes of a value of the subset. Raises TypeError_, as orjson does, for what cannot be written so. */
export function write(value) {
  return new TextEncoder().encode(written(value, 0));
}

function written(value, deep) {
  if (typeof value === "string") {
    if (SURROGATE.test(value) && LONE.test(value)) throw new $.TypeError_("str is not valid UTF-8: surrogates not allowed");
    return JSON.stringify(value);
  }
  if (typeof value === "number" || typeof value === "bigint") {
    if (!Number.isSafeInteger(value)) throw new $.TypeError_("Integer exceeds 53-bit range");
    return String(value);
  }
  if (value === true || value === false || value === null) return String(value);
  if (value instanceof $.Float) return floatText(value.value);
  if (++deep > DEPTH_WRITTEN) throw new $.TypeError_("Recursion limit reached");
  if (Array.isArray(value)) {
    let said = "";
    for (const item of value) said += (said && ",") + written(item, deep);
    return `[${said}]`;
  }
  if (value instanceof $.Dict) {
    let said = "";
    const keys = [...value];
    if (keys.some((key) => typeof key !== "string")) throw new $.TypeError_("Dict key must be str");
    for (const key of keys.sort($.cmp)) {
      said += `${said && ","}${written(key, deep)}:${written(value.get(key), deep)}`;
    }
    return `{${said}}`;
  }
  throw new $.TypeError_(`Type is not JSON serializable: ${$.type(value).$__name__}`);
}
