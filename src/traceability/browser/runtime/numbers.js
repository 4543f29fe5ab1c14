// Integers: a number while it is safe, else a bigint; never both for one value.

import { ZeroDivisionError, ValueError, OverflowError, Float, binary, define, isSet, truth } from "./objects.js";
import { repeated, joined, T } from "./containers.js";
import { fromDigits } from "./text.js";

const MAX = Number.MAX_SAFE_INTEGER;

/** The one form of an integer given as a bigint. */
export function norm(big) {
  return big <= 9007199254740991n && big >= -9007199254740991n ? Number(big) : big;
}

const isSafe = (value) => value <= MAX && value >= -MAX;

/** Whether it is an int to Python: a bool is one. */
export const isInt = (value) => typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";

/** An operator on two ints, the slow way; something else altogether is left to `binary`. */
function slow(name, a, b, work) {
  if (isInt(a) && isInt(b)) return norm(work(BigInt(a), BigInt(b)));
  return binary(name, a, b);
}

export function add(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    return isSafe(sum) ? sum : norm(BigInt(a) + BigInt(b));
  }
  if (typeof a === "string" && typeof b === "string") return a + b;
  return isInt(a) && isInt(b) ? norm(BigInt(a) + BigInt(b)) : joined(a, b) ?? binary("add", a, b);
}

export function sub(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    const rest = a - b;
    return isSafe(rest) ? rest : norm(BigInt(a) - BigInt(b));
  }
  return isSet(a) ? a.minus(b) : slow("sub", a, b, (x, y) => x - y);
}

export function mul(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    return isSafe(product) ? product + 0 : norm(BigInt(a) * BigInt(b));
  }
  return isInt(a) && isInt(b) ? norm(BigInt(a) * BigInt(b)) : repeated(a, b) ?? binary("mul", a, b);
}

// For safe integers the quotient's rounding error is less than its distance from the next integer above.
export function floordiv(a, b) {
  if (typeof a === "number" && typeof b === "number" && b !== 0) return Math.floor(a / b) + 0;
  return slow("floordiv", a, b, bigFloordiv);
}

export function mod(a, b) {
  if (typeof a === "number" && typeof b === "number" && b !== 0) {
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest + 0;
  }
  return a instanceof Uint8Array ? a.$__mod__(b) : slow("mod", a, b, bigMod);
}

function bigFloordiv(a, b) {
  if (b === 0n) throw new ZeroDivisionError("integer division or modulo by zero");
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function bigMod(a, b) {
  if (b === 0n) throw new ZeroDivisionError("integer modulo by zero");
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

export function divmod(a, b) {
  return T(floordiv(a, b), mod(a, b));
}

export function pow(base, exponent, modulus = null) {
  if (modulus === null) return slow("pow", base, exponent, (x, y) => x ** y);
  const m = BigInt(modulus);
  let [x, y, result] = [bigMod(BigInt(base), m), BigInt(exponent), 1n];
  if (y < 0n) [x, y] = [inverse(x, m), -y];
  for (; y > 0n; y >>= 1n) {
    if (y & 1n) result = (result * x) % m;
    x = (x * x) % m;
  }
  return norm(bigMod(result, m));
}

function inverse(value, modulus) {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  if (a !== 1n) throw new ValueError("base is not invertible for the given modulus");
  return bigMod(x, modulus);
}

export function lshift(a, b) {
  if (typeof a === "number" && typeof b === "number" && b < 64) {
    const shifted = a * 2 ** b;
    if (isSafe(shifted)) return shifted;
  }
  return slow("lshift", a, b, (x, y) => x << y);
}

export function rshift(a, b) {
  return typeof a === "number" && typeof b === "number" && b < 1024 ? Math.floor(a / 2 ** b) : slow("rshift", a, b, (x, y) => x >> y);
}

// `&` of JavaScript looks at the low 32 bits, which is enough where one side has no others.
export function and(a, b) {
  if (typeof a === "number" && typeof b === "number" && ((b >= 0 && b <= 0x7fffffff) || (a >= 0 && a <= 0x7fffffff))) return a & b;
  if (typeof a === "boolean" && typeof b === "boolean") return a && b;
  return isSet(a) ? a.both(b) : slow("and", a, b, (x, y) => x & y);
}

const isShort = (value) => typeof value === "number" && value >= 0 && value <= 0x7fffffff;

export function or(a, b) {
  if (isShort(a) && isShort(b)) return a | b;
  if (typeof a === "boolean" && typeof b === "boolean") return a || b;
  return isSet(a) ? a.plus(b) : slow("or", a, b, (x, y) => x | y);
}

export function xor(a, b) {
  if (isShort(a) && isShort(b)) return a ^ b;
  if (typeof a === "boolean" && typeof b === "boolean") return a !== b;
  return isSet(a) ? a.minus(b).plus(b.minus(a)) : slow("xor", a, b, (x, y) => x ^ y);
}

export function neg(a) {
  return typeof a === "number" ? 0 - a : isInt(a) ? norm(-BigInt(a)) : binary("neg", a);
}

export function invert(a) {
  return sub(-1, a);
}

export function abs(a) {
  return a < 0 ? neg(a) : isInt(a) ? add(a, 0) : binary("abs", a);
}

/** `int(x, base)`. */
export function int(value = 0, base = 10) {
  if (typeof value === "number") return Math.trunc(value);
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Float) {
    if (!Number.isFinite(value.value)) throw new (Number.isNaN(value.value) ? ValueError : OverflowError)(`cannot convert float ${value.value} to integer`);
    return norm(BigInt(Math.trunc(value.value)));
  }
  if (value instanceof Uint8Array) return fromDigits(value.$decode("latin-1"), base);
  return typeof value === "string" ? fromDigits(value, base) : binary("int", value);
}
int.$$check = isInt;

/** `bool(x)` as a type and a function. */
export function bool(value = false) {
  return truth(value);
}
bool.$$check = (value) => typeof value === "boolean";

export function float(value = 0) {
  return new Float(Number(value));
}
float.$$check = (value) => value instanceof Float;

const bits = (value) => (value < 0 ? -BigInt(value) : BigInt(value)).toString(2);

for (const type of [Number, BigInt]) {
  define(type, {
    bit_length() {
      if (typeof this === "number" && this >= 0 && this <= 0x7fffffff) return 32 - Math.clz32(this);
      return this === 0 ? 0 : bits(this).length;
    },
    bit_count() {
      return bits(this).replaceAll("0", "").length;
    },
    to_bytes(length = 1, order = "big", signed = false) {
      let value = BigInt(this);
      if (value < 0n && !signed) throw new OverflowError("can't convert negative int to unsigned");
      const limit = 1n << BigInt(8 * length - (signed ? 1 : 0));
      if (value >= limit || value < -limit) throw new OverflowError("int too big to convert");
      const data = new Uint8Array(length);
      for (let at = length - 1; at >= 0; at--, value >>= 8n) data[at] = Number(value & 255n);
      return order === "big" ? data : data.reverse();
    },
  });
}
Number.prototype.$to_bytes.$$params = BigInt.prototype.$to_bytes.$$params = ["length", "byteorder", "signed"];

int.$from_bytes = function (data, order = "big", signed = false) {
  const bytes = order === "big" ? data : Uint8Array.from(data).reverse();
  if (bytes.length <= 6 && !signed) return bytes.reduce((value, byte) => value * 256 + byte, 0);
  let value = bytes.length ? BigInt("0x" + bytes.$hex()) : 0n;
  if (signed && bytes.length && bytes[0] > 127) value -= 1n << BigInt(8 * bytes.length);
  return norm(value);
};
int.$from_bytes.$$params = ["bytes", "byteorder", "signed"];
