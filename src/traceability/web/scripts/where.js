// "Say where you read this": a button, the browser's own question, and a place rounded here to one degree. Nothing finer
// leaves the device, and nothing at all before the button was pressed.

import { el } from "./dom.js";

/** Puts the button into `block`. `older`: the label in hand is genuine and of an earlier state. */
export function sayWhere(t, block, older) {
  if (!navigator.geolocation) return;
  const button = el("button", { type: "button", class: "plain" }, t("label.place"));
  const status = el("p", { class: "small text", role: "status" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    status.textContent = t("label.place_working");
    status.textContent = await said(t, older);
    button.disabled = false;
  });
  block.replaceChildren(el("p", {}, button), el("p", { class: "small text" }, t("label.place_says")), status);
}

async function said(t, older) {
  let place;
  try {
    place = rounded((await position()).coords);
  } catch {
    return t("label.place_refused");
  }
  try {
    const code = decodeURIComponent(location.pathname.split("/")[2]);
    const body = JSON.stringify({ code, place, ...(older ? { label: "older" } : {}) });
    const answer = await fetch("/v1/scans", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  } catch (error) {
    return t("label.place_failed", { why: error.message });
  }
  return t("label.place_sent", { place });
}

/** The south-west corner of the cell of one degree, in degrees: `-2,29`. */
function rounded({ latitude, longitude }) {
  return `${Math.min(Math.floor(latitude), 89)},${Math.floor(longitude) === 180 ? -180 : Math.floor(longitude)}`;
}

function position() {
  const asked = { enableHighAccuracy: false, maximumAge: 3_600_000, timeout: 30_000 };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, asked));
}
