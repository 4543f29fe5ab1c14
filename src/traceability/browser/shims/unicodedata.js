// unicodedata: normal forms. Text that is looked at here has only characters of Unicode 14 (`core.unicode14`), and
// what the standard calls the stability of normal forms makes every later table agree on those.

export function is_normalized(form, text) {
  return text.normalize(form) === text;
}
