// The page: looks for news every second and keeps one Phone for each conversation.

import { Phone } from "./phone.js";
import { server } from "./server.js";
import { element, time, withLinks } from "./text.js";

const LOOK_MILLISECONDS = 1000;
const LOOKS_BETWEEN_PLACES = 10;

const phones = new Map();
const row = document.getElementById("phones");
const jump = document.querySelector(".jump");
const lost = document.querySelector(".lost");
const known = { run: "", version: 0 };
let places = null;
let looks = 0;
let looking = null;

const seen = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting } of changes) {
      target.classList.toggle("in-view", isIntersecting);
      if (isIntersecting) jumpLink(target.id)?.classList.remove("unread");
    }
  },
  { threshold: 0.5 },
);

function jumpLink(id) {
  return [...jump.children].find((link) => link.dataset.phone === id);
}

function addJumpLink(id, name) {
  const link = element("a", "", name);
  link.href = `#${encodeURIComponent(id)}`;
  link.dataset.phone = id;
  jump.append(link);
}

function announce(id) {
  const card = document.getElementById(id);
  card.classList.remove("arrived");
  void card.offsetWidth; // so that the animation starts again
  card.classList.add("arrived");
  if (!card.classList.contains("in-view")) jumpLink(id)?.classList.add("unread");
}

function addPhone(conversation) {
  const phone = new Phone(conversation, look);
  phones.set(conversation.id, phone);
  row.insertBefore(phone.root, document.getElementById("mail"));
  if (places) phone.showPlaces(places);
  addJumpLink(conversation.id, conversation.name);
  seen.observe(phone.root);
  phone.scrollToEnd();
}

function removePhone(id) {
  phones.get(id).root.remove();
  phones.delete(id);
  jumpLink(id)?.remove();
}

function showChanges({ run, version, order, changed, mails }) {
  const first = known.version === 0;
  if (run !== known.run) for (const id of [...phones.keys()]) removePhone(id);
  Object.assign(known, { run, version });
  for (const id of [...phones.keys()]) if (!order.includes(id)) removePhone(id);
  for (const conversation of changed) {
    const phone = phones.get(conversation.id);
    if (!phone) addPhone(conversation);
    if ((phone ? phone.show(conversation) : conversation.entries.length) && !first) announce(conversation.id);
  }
  if (mails?.length) showMails(mails, first);
  if (first) row.scrollLeft = 0; // the mail was there before the phones, and the row holds on to it
}

function showMails(mails, first) {
  document.querySelector("#mail .log").replaceChildren(...mails.toReversed().map(mailCard));
  if (!first) announce("mail");
}

function mailCard({ to, subject, text, at }) {
  const card = element("section", "letter");
  const head = element("p", "foot", `to ${to} · `);
  head.append(time(at));
  const body = element("p", "text");
  body.append(withLinks(text));
  card.append(element("h3", "", subject), head, body);
  return card;
}

function showPlaces(found) {
  if (JSON.stringify(found) === JSON.stringify(places)) return;
  places = found;
  for (const phone of phones.values()) phone.showPlaces(places);
}

async function lookOnce() {
  try {
    if (looks++ % LOOKS_BETWEEN_PLACES === 0) showPlaces(await server.places());
    const changes = await server.changes(known.run, known.version);
    if (changes) showChanges(changes);
    lost.hidden = true;
  } catch (error) {
    if (!(error instanceof TypeError)) console.error(error);
    looks = 0;
    lost.hidden = false;
  }
}

// One look at a time: whoever asks meanwhile gets the next one.
function look() {
  looking = (looking ?? Promise.resolve()).then(lookOnce);
  return looking;
}

function prepareAdding() {
  const form = document.getElementById("add");
  if (!form) return;
  const adapt = () => {
    const chat = form.elements.channel.value === "telegram";
    form.querySelector(".for-phone").hidden = chat;
    form.querySelector(".for-chat").hidden = !chat;
    form.elements.address.required = !chat;
  };
  form.elements.channel.addEventListener("change", adapt);
  adapt();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { channel, name, address, language } = form.elements;
    const where = channel.value === "telegram" ? { language: language.value } : { address: address.value };
    const fault = form.querySelector(".fault");
    fault.textContent = "";
    try {
      const { id } = await server.add({ channel: channel.value, name: name.value, ...where });
      form.reset();
      adapt();
      form.closest("details").open = false;
      await look();
      document.getElementById(id)?.scrollIntoView({ block: "nearest", inline: "center" });
    } catch (error) {
      fault.textContent = error.message;
    }
  });
}

async function start() {
  prepareAdding();
  const mail = document.getElementById("mail");
  if (mail) seen.observe(mail);
  for (;;) {
    await look();
    if (mail && !jumpLink("mail")) addJumpLink("mail", "Mail");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

start();
