// Bytes: a Uint8Array that nobody changes once it is made.

import { BaseException, TypeError_, UnicodeDecodeError, UnicodeEncodeError, ValueError, define } from "./objects.js";
import { T, isSequence } from "./containers.js";
import { isInt } from "./numbers.js";
import { repr, str } from "./text.js";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LOOSE = new TextDecoder("utf-8", { ignoreBOM: true });

const NOTHING = new Uint8Array();

/** Bytes of a text in which each character is one. */
export function b(text) {
  const made = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) made[at] = text.charCodeAt(at);
  return made;
}

/** The text in which each byte is a character. */
export function latin1(data) {
  if (data.length <= 64) return String.fromCharCode.apply(null, data);
  let said = "";
  for (let at = 0; at < data.length; at += 4096) said += String.fromCharCode.apply(null, data.subarray(at, at + 4096));
  return said;
}

export function bytes(of = 0) {
  if (typeof of === "string") throw new TypeError_("string argument without an encoding");
  if (isInt(of)) return new Uint8Array(Number(of));
  return of instanceof Uint8Array && of.constructor === Uint8Array ? of : Uint8Array.from(of);
}
bytes.$$check = (value) => value instanceof Uint8Array;

/** A bytearray is an array of numbers that can be asked what bytes can. */
export function bytearray(of = 0) {
  return Array.from(bytes(of));
}
bytearray.$$check = () => false;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const isDigit = (text, at) => /[0-9a-fA-F]/.test(text[at] ?? "");

bytes.$fromhex = (text) => {
  const made = [];
  let wrong = text.search(/[^\0-\x7f]/);
  for (let at = 0; wrong < 0 && at < text.length; at += 2) {
    while (/[\t-\r ]/.test(text[at] ?? "")) at++;
    if (at === text.length) break;
    if (isDigit(text, at) && isDigit(text, at + 1)) made.push(Number.parseInt(text.slice(at, at + 2), 16));
    else wrong = isDigit(text, at) ? at + 1 : at;
  }
  if (wrong >= 0) throw new ValueError(`non-hexadecimal number found in fromhex() arg at position ${wrong}`);
  return Uint8Array.from(made);
};

bytes.$maketrans = (from, to) => {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  from.forEach((byte, at) => { table[byte] = to[at]; });
  return table;
};

const unicodeError = (type, text, values) => Object.assign(new type(text), values);

/** Text as UTF-8 (or ASCII, Latin-1). With "surrogateescape" the lone surrogates U+DC80–DCFF are the bytes 80–FF. */
export function encodeUtf8(text, encoding, errors) {
  text = String(text);
  const kind = encoding.toLowerCase().replace(/[_-]/g, "");
  if (kind !== "utf8") {
    const at = text.search(kind === "ascii" ? /[^\0-\x7f]/ : /[^\0-\xff]/);
    if (at >= 0) throw new UnicodeEncodeError(`'${encoding}' codec can't encode character ${repr(text[at])} in position ${at}: ordinal not in range`);
    return b(text);
  }
  const lone = text.isWellFormed?.() ?? !/\p{Cs}/u.test(text);
  if (lone) return ENCODER.encode(text);
  const parts = [];
  let at = 0;
  for (const each of text) {
    const code = each.codePointAt(0);
    if (code < 0xd800 || code > 0xdfff) parts.push(...ENCODER.encode(each));
    else if (errors === "surrogateescape" && code >= 0xdc80 && code <= 0xdcff) parts.push(code - 0xdc00);
    else if (errors === "surrogatepass") parts.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else throw new UnicodeEncodeError(`'utf-8' codec can't encode character '\\u${code.toString(16)}' in position ${at}: surrogates not allowed`);
    at++;
  }
  return Uint8Array.from(parts);
}

/** The length of the character at a place of UTF-8, and where it ends being one: 0 where none begins. */
function lengthAt(data, at) {
  const first = data[at];
  if (first < 0x80) return { whole: 1, good: 1 };
  const whole = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  const low = { 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80;
  const high = { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf;
  let good = whole ? 1 : 0;
  while (good && good < whole && data[at + good] >= (good === 1 ? low : 0x80) && data[at + good] <= (good === 1 ? high : 0xbf)) good++;
  return { whole, good };
}

function decodeUtf8(data, errors) {
  try {
    return DECODER.decode(data);
  } catch {
    let said = "";
    for (let at = 0; at < data.length; ) {
      const { whole, good } = lengthAt(data, at);
      if (good && good === whole) {
        said += LOOSE.decode(data.subarray(at, at + whole));
        at += whole;
      } else if (errors === "surrogateescape") said += String.fromCharCode(0xdc00 + data[at++]);
      else if (errors === "replace") {
        said += "\ufffd";
        at += Math.max(1, good);
      } else throw undecodable(data, at, whole, good);
    }
    return said;
  }
}

function undecodable(data, at, whole, good) {
  const cut = whole && at + good >= data.length;
  const why = !whole ? "invalid start byte" : cut ? "unexpected end of data" : "invalid continuation byte";
  const where = good > 1 ? `bytes in position ${at}-${at + good - 1}` : `byte 0x${HEX[data[at]]} in position ${at}`;
  return unicodeError(UnicodeDecodeError, `'utf-8' codec can't decode ${where}: ${why}`, { $start: at, $reason: why });
}

/** Methods that texts have too, done on the text in which each byte is a character. */
const AS_TEXT = ["strip", "lstrip", "rstrip", "partition", "rpartition", "removeprefix", "removesuffix", "replace", "upper", "lower", "ljust", "rjust", "zfill"];
const ANSWERS = ["find", "rfind", "index", "startswith", "endswith", "isdigit", "isalnum", "isalpha", "isascii"];
const told = (value) => (value instanceof Uint8Array ? latin1(value) : isSequence(value) ? value.map(told) : value);

define(Uint8Array, {
  hex() {
    let said = "";
    for (let at = 0; at < this.length; at++) said += HEX[this[at]];
    return said;
  },
  decode(encoding = "utf-8", errors = "strict") {
    const kind = encoding.toLowerCase().replace(/[_-]/g, "");
    if (kind === "utf8") return decodeUtf8(this, errors);
    const at = kind === "ascii" ? this.findIndex((byte) => byte > 127) : -1;
    if (at >= 0) throw new UnicodeDecodeError(`'ascii' codec can't decode byte 0x${HEX[this[at]]} in position ${at}: ordinal not in range(128)`);
    return latin1(this);
  },
  join(parts) {
    const values = Array.from(parts);
    const size = values.reduce((total, each) => total + each.length, this.length * Math.max(0, values.length - 1));
    const made = new Uint8Array(size);
    let at = 0;
    values.forEach((each, number) => {
      if (number) made.set(this, at);
      if (number) at += this.length;
      made.set(each, at);
      at += each.length;
    });
    return made;
  },
  split(separator = null, most = -1) { return latin1(this).$split(told(separator), most).map(b); },
  translate(table) { return this.map((byte) => table[byte]); },
  count(what) { return latin1(this).$count(told(what)); },
  /** `b"…%d…%s…" % values`. */
  __mod__(values) {
    const given = isSequence(values) ? [...values] : [values];
    const parts = latin1(this).split(/%([^])/);
    return NOTHING.$join(parts.map((part, at) => (at % 2 ? formatted(part, given) : b(part))));
  },
});

function formatted(kind, given) {
  if (kind === "%") return b(kind);
  const value = given.shift();
  if (kind === "s") return value;
  if (kind === "c") return isInt(value) ? bytes([value]) : value;
  if (kind === "d") return b(str(value));
  if (kind === "x") return b(value.toString(16));
  throw new ValueError(`unsupported format character '${kind}'`);
}
for (const name of AS_TEXT) {
  define(Uint8Array, {
    [name](...args) {
      const made = latin1(this)["$" + name](...args.map(told));
      return isSequence(made) ? T(...made.map(b)) : b(made);
    },
  });
}
for (const name of ANSWERS) {
  define(Uint8Array, { [name](...args) { return latin1(this)["$" + name](...args.map(told)); } });
}
Uint8Array.prototype.$decode.$$params = ["encoding", "errors"];
