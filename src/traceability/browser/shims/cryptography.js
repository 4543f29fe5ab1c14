// cryptography: public keys and the checks under them, as far as a verifier needs them.
//
// Browsers check signatures with WebCrypto, which answers later; the core asks and goes on. So answers are given out
// of a list of those known, and whatever is not known yet is noted as asked and taken to be good for the time being.
// `driver.js` has it checked, and believes no result that rests on something that turned out bad.

import * as $ from "../runtime.js";
import * as sha from "./sha256.js";

export const InvalidSignature = $.exception("InvalidSignature", $.Exception);

let answers = null;

/** A question and its answers: `known` by name (true, false), `asked` those still to be answered. */
export function Answers() {
  return { known: new Map(), asked: new Map() };
}

/** From here on questions go to these answers. */
export function answerFrom(some) {
  answers = some;
}

function check(algorithm, key, signature, message) {
  if (signature.length !== 64) throw new InvalidSignature();
  const head = new Uint8Array([algorithm.length, ...key, ...signature]);
  const whole = new Uint8Array(head.length + message.length);
  whole.set(head);
  whole.set(message, head.length);
  const name = String.fromCharCode(...sha.sha256(whole));
  const good = answers.known.get(name);
  if (good === undefined) answers.asked.set(name, { algorithm, key, signature, message });
  else if (!good) throw new InvalidSignature();
  return null;
}

class Ed25519Key {
  constructor(raw) {
    this.raw = raw;
  }

  $verify(signature, message) {
    return check("Ed25519", this.raw, signature, message);
  }
}

export const Ed25519PublicKey = Ed25519Key;
Ed25519Key.$from_public_bytes = (raw) => new Ed25519Key(raw);

// The curve P-256: y² = x³ − 3x + b over the field of P (SP 800-186).
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

class P256Key {
  constructor(point) {
    this.point = point;
  }

  /** `signature` is what `encode_dss_signature` gave. */
  $verify(signature, message) {
    return check("ES256", this.point, signature, message);
  }

  static $from_encoded_point(curve, point) {
    const x = number(point.subarray(1, 33));
    const y = number(point.subarray(33));
    if (x >= P || y >= P || (y * y - x * x * x + 3n * x - B) % P) throw new $.ValueError("not on the curve");
    return new P256Key(point);
  }
}

export const ec = {
  $EllipticCurvePublicKey: P256Key,
  $SECP256R1: () => null,
  $ECDSA: () => null,
};

export const ed25519 = { $Ed25519PublicKey: Ed25519Key };

export function SHA256() {
  return null;
}

/** r‖s as WebCrypto wants it, in place of DER. */
export function encode_dss_signature(r, s) {
  const both = (BigInt(r) << 256n) | BigInt(s);
  return Uint8Array.from(both.toString(16).padStart(128, "0").match(/../g), (digits) => parseInt(digits, 16));
}

function number(bytes) {
  let digits = "0x";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return BigInt(digits);
}
