// Verifies what it is asked to, with the module named by its argument: a question and an answer on a line each.

import { createInterface } from "node:readline";

const { verify } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const { data, policy, ...options } = JSON.parse(line);
  const bytes = new Uint8Array(Buffer.from(data, "base64"));
  const answer = await verify(bytes, policy, options).catch((error) => ({ error: error.stack }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
