// Verifies what it is asked to, with the module named by its argument: a question and an answer on a line each.
// Evidence as `{data, policy, …options}`, a label as `{label, pack, policy}`; with `read` it is only read.

import { createInterface } from "node:readline";

const { verify, verifyTag, readLabel } = await import(process.argv[2]);
const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));

async function ofLabel({ label, pack, policy, read }) {
  try {
    return { report: read ? readLabel(label) : await verifyTag(label, bytesOf(pack), bytesOf(policy)) };
  } catch ({ name, message }) {
    return { failed: { name, message } };
  }
}

async function ofEvidence({ data, policy, ...options }) {
  return verify(bytesOf(data), bytesOf(policy), options).catch((error) => ({ error: error.stack }));
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer = await ("label" in asked ? ofLabel : ofEvidence)(asked);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
