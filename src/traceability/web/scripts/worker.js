// Runs in a worker: answers one question after the other with the verifier that is compiled from the core.

import * as core from "./verifier.js";
import { about } from "./about.js";

const answers = {
  async verify({ bytes, policy, now }, progress) {
    const report = await core.verify(bytes, policy, { now, complete: false, progress });
    return { report, about: about(bytes) };
  },
  label: ({ digits }) => core.readLabel(digits),
  tag: ({ digits, pack, policy }) => core.verifyTag(digits, pack, policy),
  checkpoint: ({ note, policy }) => core.openCheckpoint(note, policy),
  consistency: ({ before, after, proof }) => core.verifyConsistency(before.size, before.root, after.size, after.root, proof),
};

addEventListener("message", async ({ data: { id, question, said } }) => {
  try {
    postMessage({ id, answer: await answers[question](said, (progress) => postMessage({ id, progress })) });
  } catch (error) {
    postMessage({ id, failed: { name: error.name, message: error.message } });
  }
});
