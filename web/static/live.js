// What refreshes by itself must not take anything out of a person's hands: what is open stays open, what is being
// typed stays, and a connection that is lost is said. Everything works without this, by loading pages.
"use strict";

let opened = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const typing = document.activeElement instanceof HTMLInputElement && target.contains(document.activeElement);
  // A later refresh brings the same news: the page goes on asking with the tag of what it shows.
  if (requestConfig.verb === "get" && typing) event.detail.shouldSwap = false;
  opened = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
});

document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
});

const sayConnection = (lost) => {
  for (const words of document.querySelectorAll(".lost")) words.hidden = !lost;
};
document.addEventListener("htmx:sendError", () => sayConnection(true));
document.addEventListener("htmx:timeout", () => sayConnection(true));
document.addEventListener("htmx:responseError", () => sayConnection(true));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr && event.detail.xhr.status > 0 && event.detail.xhr.status < 500) sayConnection(false);
});

// A phone in a pocket or on a loud table: the call is felt as well as seen.
let called = document.querySelector(".place.called") !== null;
document.addEventListener("htmx:afterSettle", () => {
  const now = document.querySelector(".place.called") !== null;
  if (now && !called && navigator.vibrate) navigator.vibrate([400, 200, 400, 200, 800]);
  called = now;
});
