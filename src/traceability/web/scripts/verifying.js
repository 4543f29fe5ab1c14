// The verifier in a worker of its own, so that a phone stays responsive while it works.

let running = null;

/** The worker, started when first asked for and again where it did not load: `ask(question, said, progress)` promises the answer, and rejects with an Error. */
export const verifier = () => (running ??= start());

function start() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;
  let broken = null;

  worker.onmessage = ({ data: { id, answer, progress, failed } }) => {
    const asked = waiting.get(id);
    if (progress) return asked.progress(progress);
    waiting.delete(id);
    if (failed) asked.reject(Object.assign(new Error(failed.message), { name: failed.name }));
    else asked.resolve(answer);
  };
  worker.onerror = () => {
    running = null; // whoever asks again tries again
    broken = Object.assign(new Error("the verifier did not load"), { name: "NoVerifier" });
    for (const asked of waiting.values()) asked.reject(broken);
    waiting.clear();
  };

  return function ask(question, said, progress = () => {}) {
    return new Promise((resolve, reject) => {
      if (broken) return reject(broken);
      waiting.set(++last, { resolve, reject, progress });
      worker.postMessage({ id: last, question, said });
    });
  };
}
