// The settings of a recipe: words to put into a message by a tap, and the message as people would get it, while it is
// typed. The page works without: the words can be typed, and a button shows the message.
"use strict";

const PAUSE_MS = 400;
const form = document.getElementById("settings");
let asked = 0;
let timer = 0;

function put(area, words) {
  area.setRangeText(words, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

for (const message of form.querySelectorAll("[data-message]")) {
  const area = document.getElementById(message.dataset.message);
  for (const chip of message.querySelectorAll("[data-put]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip";
    button.textContent = chip.dataset.put;
    button.setAttribute("aria-label", chip.dataset.label);
    button.addEventListener("click", () => put(area, chip.dataset.put));
    chip.replaceWith(button);
  }
  message.querySelector("[data-preview]").setAttribute("aria-live", "polite");
}

// The answer to what was typed last counts, in whatever order they come.
async function look() {
  const mine = ++asked;
  const sent = new FormData(form);
  sent.set("preview", "1");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(sent), cache: "no-store" });
    if (!answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of form.querySelectorAll("[data-preview]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // The button still works.
  }
}

form.addEventListener("input", (event) => {
  if (!event.target.matches("textarea")) return;
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
