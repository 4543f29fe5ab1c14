// math: on integers of any size.

import * as $ from "../runtime.js";

export function gcd(...numbers) {
  let found = 0n;
  for (let number of numbers.map(BigInt)) while (number) [found, number] = [number, found % number];
  return $.norm(found < 0n ? -found : found);
}

/** The whole part of the square root: Newton's method from above. */
export function isqrt(number) {
  if (number >= 0 && number < 2 ** 48) return Math.floor(Math.sqrt(Number(number)));
  const wanted = BigInt(number);
  if (wanted < 0n) throw new $.ValueError("isqrt() argument must be nonnegative");
  let root = 1n << BigInt((wanted.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + wanted / root) >> 1n;
    if (next >= root) return $.norm(root);
    root = next;
  }
}

export function comb(total, chosen) {
  if (chosen > total) return 0;
  let ways = 1n;
  for (let n = 0n; n < BigInt(chosen); n++) ways = (ways * (BigInt(total) - n)) / (n + 1n);
  return $.norm(ways);
}
