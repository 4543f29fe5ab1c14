// Answers, line by line, what it is asked in JSON, with `answer` of the module that its argument names.

import { createInterface } from "node:readline";

const { answer } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const said = await Promise.resolve(JSON.parse(line)).then(answer).catch((error) => ({ error: error.stack }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
