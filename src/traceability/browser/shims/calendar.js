// calendar: how long months are.

import * as $ from "../runtime.js";

/** Weekday of the first (Monday is 0) and number of days of a month. */
export function monthrange(year, month) {
  const first = new Date(0);
  first.setUTCFullYear(year, month - 1, 1);
  const next = new Date(0);
  next.setUTCFullYear(year, month, 1);
  return $.T((first.getUTCDay() + 6) % 7, (next - first) / 86_400_000);
}
