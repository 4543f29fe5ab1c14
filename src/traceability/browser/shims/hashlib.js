// hashlib: SHA-256, whole messages only.

import * as sha from "./sha256.js";

class Digest {
  constructor(bytes) {
    this.bytes = bytes;
  }

  $digest() {
    return this.bytes;
  }

  $hexdigest() {
    let text = "";
    for (const byte of this.bytes) text += HEX[byte];
    return text;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function sha256(data) {
  return new Digest(sha.sha256(data));
}
