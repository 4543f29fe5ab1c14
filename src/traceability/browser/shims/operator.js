// operator: two operators as functions.

import * as $ from "../runtime.js";

export function ne(one, other) {
  return !$.eq(one, other);
}

export function sub(one, other) {
  return $.sub(one, other);
}
