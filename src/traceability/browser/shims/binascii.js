// binascii: base64 with padding. The core writes again whatever it reads and compares, so that what Python forgives
// (characters passed over, bits that are not zero) may be an error here already: either way the text is refused.

import * as $ from "../runtime.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const VALUES = new Uint8Array(256).fill(255);
CODES.forEach((code, value) => (VALUES[code] = value));
const PAD = 0x3d;

/** The bytes behind base64, text or bytes. Raises ValueError. */
export function a2b_base64(text) {
  const codes = typeof text === "string" ? Uint8Array.from(text, (letter) => Math.min(letter.charCodeAt(0), 255)) : text;
  let size = codes.length;
  while (size > 0 && size > codes.length - 2 && codes[size - 1] === PAD) size--;
  if (codes.length % 4) throw new $.ValueError("Incorrect padding");
  const data = new Uint8Array((size * 3) >> 2);
  for (let from = 0, to = 0, bits = 0, held = 0; from < size; from++) {
    const value = VALUES[codes[from]];
    if (value === 255) throw new $.ValueError("Only base64 data is allowed");
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) data[to++] = held >> (bits -= 8);
  }
  return data;
}
a2b_base64.$$params = ["text", "strict_mode"];

/** Padded base64, as ASCII bytes and without a line's end. */
export function b2a_base64(data) {
  const text = new Uint8Array(Math.ceil(data.length / 3) * 4).fill(PAD);
  let to = 0;
  for (let from = 0; from < data.length; from += 3) {
    const bits = (data[from] << 16) | (data[from + 1] << 8) | data[from + 2];
    const letters = Math.min(data.length - from, 3) + 1;
    for (let n = 0; n < letters; n++) text[to + n] = CODES[(bits >> (18 - 6 * n)) & 63];
    to += 4;
  }
  return text;
}
b2a_base64.$$params = ["data", "newline"];
