// gc: JavaScript minds its memory itself.

export function isenabled() {
  return false;
}

export function enable() {
  return null;
}

export function disable() {
  return null;
}
