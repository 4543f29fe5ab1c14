// Verifies what it is asked to, with the module named by its argument: a question and an answer on a line each.

import { createInterface } from "node:readline";

const { verify } = await import(process.argv[2]);
const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));

for await (const line of createInterface({ input: process.stdin })) {
  const { data, policy, ...options } = JSON.parse(line);
  const answer = await verify(bytesOf(data), bytesOf(policy), options).catch((error) => ({ error: error.stack }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
