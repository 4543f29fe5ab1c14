// base64: what the core writes in it.

import * as binascii from "./binascii.js";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function b64encode(data) {
  return binascii.b2a_base64(data);
}

/** RFC 4648 base32 of whole groups of five bytes, as ASCII bytes. */
export function b32encode(data) {
  const text = new Uint8Array((data.length / 5) * 8);
  for (let from = 0, to = 0, bits = 0, held = 0; from < data.length; from++) {
    held = ((held << 8) | data[from]) & 0xffff;
    for (bits += 8; bits >= 5; ) text[to++] = BASE32.charCodeAt((held >> (bits -= 5)) & 31);
  }
  return text;
}
