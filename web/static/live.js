// What refreshes by itself must not take anything out of a person's hands: what is open stays open, what is being
// typed stays, and a connection that is lost is said. Everything works without this, by loading pages.
"use strict";

let opened = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const field = document.activeElement;
  const typing = field instanceof HTMLInputElement && target.contains(field) && field.value !== field.defaultValue;
  // A later refresh brings the same news: the page goes on asking with the tag of what it shows.
  if (requestConfig.verb === "get" && typing) event.detail.shouldSwap = false;
  opened = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
});

// A button that was pressed is disabled meanwhile and then replaced: whoever works by keyboard goes on where they were.
let pressed = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") pressed = document.activeElement?.id || "call-next";
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!pressed || event.detail.requestConfig.verb === "get") return;
  if (document.activeElement === document.body) {
    const next = document.getElementById(pressed) ?? document.getElementById("call-next");
    next?.focus({ preventScroll: true });
  }
  pressed = null;
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

// A page that refreshes itself tries again; what somebody pressed does not, and must be told what became of it.
const sayUndone = (xhr) => {
  const said = document.getElementById("said");
  if (!said) return;
  const why = new DOMParser().parseFromString(xhr?.responseText ?? "", "text/html").getElementById("why");
  const words = document.createElement("p");
  words.className = "said refusal";
  words.textContent = why?.textContent ?? said.dataset.unanswered;
  said.replaceChildren(words);
};
const failed = (event) => {
  const { requestConfig, xhr } = event.detail;
  if (requestConfig?.verb !== "get") sayUndone(xhr);
  // A press takes the place of the refresh that is on its way.
  else if (event.type === "htmx:sendAbort") return;
  // What is no longer there says so itself, with a page of its own.
  else if (xhr?.status === 404) window.location.reload();
  else sayConnection(true);
};
for (const kind of ["sendError", "timeout", "sendAbort", "responseError"]) {
  document.addEventListener(`htmx:${kind}`, failed);
}
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if ((status >= 200 && status < 300) || status === 304) sayConnection(false);
});

// A phone in a pocket or on a loud table: the call is felt as well as seen.
let called = document.querySelector(".place.called") !== null;
document.addEventListener("htmx:afterSettle", () => {
  const now = document.querySelector(".place.called") !== null;
  if (now && !called && navigator.vibrate) navigator.vibrate([400, 200, 400, 200, 800]);
  called = now;
});
