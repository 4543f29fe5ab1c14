// What compiled Python stands on: its values and operators, by the rules in docs/browser.md. Imported as `$`.

export * from "./runtime/numbers.js";
export * from "./runtime/objects.js";
export * from "./runtime/containers.js";
export * from "./runtime/iteration.js";
export * from "./runtime/text.js";
export * from "./runtime/bytes.js";
