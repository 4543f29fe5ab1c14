// SHA-256 (FIPS 180-4), at once and on one thread: the core hashes as it goes, and WebCrypto only promises.

const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((p) => n % p)) PRIMES.push(n);
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const K = Int32Array.from(PRIMES, (p) => fraction(Math.cbrt(p)));
const START = Int32Array.from(PRIMES.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const W = new Int32Array(64);
const STATE = new Int32Array(8);
const LAST = new Uint8Array(128);

function compress(data, at) {
  for (let t = 0; t < 16; t++, at += 4) {
    W[t] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
  }
  for (let t = 16; t < 64; t++) {
    const x = W[t - 15], y = W[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
  }
  let a = STATE[0], b = STATE[1], c = STATE[2], d = STATE[3];
  let e = STATE[4], f = STATE[5], g = STATE[6], h = STATE[7];
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  STATE[0] += a; STATE[1] += b; STATE[2] += c; STATE[3] += d;
  STATE[4] += e; STATE[5] += f; STATE[6] += g; STATE[7] += h;
}

/** The 32 bytes of SHA-256 over a Uint8Array. */
export function sha256(data) {
  STATE.set(START);
  const whole = data.length & ~63;
  for (let at = 0; at < whole; at += 64) compress(data, at);
  const rest = data.length - whole;
  const end = rest < 56 ? 64 : 128;
  for (let at = 0; at < rest; at++) LAST[at] = data[whole + at];
  LAST.fill(0, rest, end - 8);
  LAST[rest] = 0x80;
  write(LAST, end - 8, Math.floor(data.length / 2 ** 29));
  write(LAST, end - 4, data.length << 3);
  for (let at = 0; at < end; at += 64) compress(LAST, at);
  const digest = new Uint8Array(32);
  for (let n = 0; n < 8; n++) write(digest, 4 * n, STATE[n]);
  return digest;
}

function write(bytes, at, word) {
  bytes[at] = word >>> 24; bytes[at + 1] = word >>> 16; bytes[at + 2] = word >>> 8; bytes[at + 3] = word;
}
