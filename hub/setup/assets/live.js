// Keeps a page current and calm: parts marked data-live are fetched again while the page is seen, and exchanged only
// where they changed and nobody is reading them; of a part marked "class" only its look, as it holds other parts.
// Times are shown in the workspace's zone, or where it has none in the reader's own. The page works without.
"use strict";

const EVERY_MS = 2000;
const TRIES_BEFORE_TELLING = 3;
// English says days as the hub itself does: "20 Nov, 14:02".
const SPOKEN = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

const served = new Map();
let failures = 0;

function localTimes(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit" };
    const day = at.toDateString() === today ? {} : { day: "numeric", month: "short" };
    time.textContent = at.toLocaleString(SPOKEN, { ...day, ...clock });
    time.title = at.toLocaleString(SPOKEN, { dateStyle: "long", timeStyle: "medium" });
  }
}

// New rows on top push the others down: not while somebody reads further down, selects, or has a fold open.
function isRead(part) {
  const growsOnTop = part.dataset.live !== "down";
  const selection = document.getSelection();
  return (growsOnTop && part.getBoundingClientRect().top < 0)
    || (selection && !selection.isCollapsed && part.contains(selection.anchorNode))
    || part.querySelector("details[open]") !== null;
}

function exchange(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.className = fresh.className;
  if (part.dataset.live === "class") return;
  part.replaceChildren(...fresh.childNodes);
  localTimes(part);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function take(page) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || served.get(part.id) === fresh.outerHTML || isRead(part)) continue;
    served.set(part.id, fresh.outerHTML);
    exchange(part, fresh);
  }
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    failures = 0;
  } catch {
    failures += 1;
  }
  const stale = document.getElementById("stale");
  if (stale) stale.hidden = failures < TRIES_BEFORE_TELLING;
}

async function keepCurrent() {
  if (!document.hidden) await refresh();
  setTimeout(keepCurrent, EVERY_MS);
}

for (const part of document.querySelectorAll("[data-live]")) served.set(part.id, part.outerHTML);
localTimes(document);
if (served.size) {
  setTimeout(keepCurrent, EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}
