// One phone or chat on the page.

import { server } from "./server.js";
import { element, time, withLinks } from "./text.js";

const CHANNELS = { sms: "SMS", whatsapp: "WhatsApp", telegram: "Telegram" };
const WORDS = ["POSITION", "LEAVE", "HELP"];
const CARRIER_WORDS = ["STOP", "START"];
const MOST_CODES = 3;
const TOAST_MILLISECONDS = 5000;

export class Phone {
  // `acted` is called after whatever the person did here, so that the page looks for news at once.
  constructor(conversation, acted) {
    this.id = conversation.id;
    this.channel = conversation.channel;
    this.acted = acted;
    this.bubbles = new Map();
    this.popupSeen = conversation.popup?.id;
    this.root = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.part = (selector) => this.root.querySelector(selector);
    this.dress(conversation);
    this.listen();
    this.show(conversation);
  }

  dress({ id, channel, name, address, language }) {
    this.root.id = id;
    this.root.dataset.channel = channel;
    this.root.setAttribute("aria-label", `${name}, ${CHANNELS[channel]}`);
    this.part("h2").textContent = name;
    this.part(".avatar").textContent = [...name][0].toUpperCase();
    this.part(".address").textContent =
      channel === "telegram" ? `@${document.body.dataset.bot} · ${language}` : address;
    this.part(".channel").textContent = CHANNELS[channel];
    this.part(".log").setAttribute("aria-label", `Messages of ${name}`);
    this.part(".alert").setAttribute("aria-label", `Alert to ${name}`);
    this.part(".to").hidden = channel === "telegram";
    const input = this.part("input[name=text]");
    input.placeholder = channel === "telegram" ? "Message" : "Text message";
    input.setAttribute("aria-label", `Write as ${name}`);
  }

  listen() {
    this.part(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = event.target.elements.text;
      if (!input.value.trim()) return;
      this.write(input.value);
      input.value = "";
    });
    this.part(".alert button").addEventListener("click", () => {
      this.part(".alert").hidden = true;
      this.part(".log").focus();
    });
    this.part(".switches").addEventListener("toggle", () => this.scrollToEnd());
    this.part(".remove").addEventListener("click", () => this.attempt(server.remove(this.id)));
  }

  write(text) {
    const to = this.channel === "telegram" ? null : this.part(".to select").value;
    if (to === "") return this.fault("No venue has a number yet.");
    return this.attempt(server.write(this.id, text, to));
  }

  async attempt(action) {
    this.fault("");
    try {
      await action;
    } catch (error) {
      this.fault(error.message);
    }
    this.acted();
  }

  fault(sentence) {
    this.part(".fault").textContent = sentence;
  }

  // ---- what the server says --------------------------------------------------------------------------

  show(conversation) {
    this.language = conversation.language;
    this.showStates(conversation);
    this.showSwitches(conversation.switches);
    const arrived = this.showEntries(conversation.entries, new Set(conversation.pressed));
    this.showPopup(conversation.popup);
    return arrived;
  }

  showStates({ switches, opted_out_of: optedOutOf }) {
    const off = switches.some(({ name, on }) => name === "off" && on);
    this.root.classList.toggle("off", off);
    for (const control of this.root.querySelectorAll(".composer *, .chips *")) control.disabled = off;
    this.off = off;
    const words = switches.filter(({ on }) => on).map(({ label }) => label);
    if (optedOutOf.length) words.push(`Opted out of ${optedOutOf.join(", ")}`);
    this.part(".states").replaceChildren(...words.map((word) => element("span", "", word)));
    this.part(".states").hidden = words.length === 0;
  }

  showSwitches(switches) {
    const list = this.part(".switch-list");
    if (!list.children.length) list.append(...switches.map((one) => this.makeSwitch(one)));
    for (const { name, on } of switches) list.querySelector(`[name="${name}"]`).checked = on;
  }

  makeSwitch({ name, label }) {
    const box = element("input");
    Object.assign(box, { type: "checkbox", name });
    box.setAttribute("role", "switch");
    box.addEventListener("change", () => this.attempt(server.turn(this.id, name, box.checked)));
    const whole = element("label");
    whole.append(box, label);
    return whole;
  }

  showEntries(entries, pressed) {
    const log = this.part(".log");
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const kept = new Map();
    let arrived = false;
    for (const entry of entries) {
      const waits = pressed.has(entry.id);
      const looks = JSON.stringify([entry, waits]);
      const old = this.bubbles.get(entry.id);
      arrived ||= !old && entry.side !== "guest";
      kept.set(entry.id, old?.looks === looks ? old : { looks, element: this.bubble(entry, waits, old?.element) });
    }
    for (const [id, { element: gone }] of this.bubbles) if (!kept.has(id)) gone.remove();
    for (const { element: bubble } of kept.values()) if (!bubble.isConnected) log.append(bubble);
    if (atEnd || [...kept.keys()].at(-1) !== [...this.bubbles.keys()].at(-1)) this.scrollToEnd();
    this.part(".empty").hidden = kept.size > 0;
    this.bubbles = kept;
    return arrived;
  }

  scrollToEnd() {
    const log = this.part(".log");
    log.scrollTop = log.scrollHeight;
  }

  bubble(entry, waits, old) {
    const bubble = element("div", `entry ${entry.side}`);
    if (entry.status) bubble.dataset.status = entry.status;
    const text = element("p", "text");
    text.append(withLinks(entry.text));
    const foot = element("p", "foot");
    if (entry.side === "carrier") foot.append("carrier · ");
    if (entry.number && this.numbers?.length > 1) foot.append(`${entry.number} · `);
    if (entry.segments > 1) foot.append(`${entry.segments} segments · `);
    if (entry.edited) foot.append("edited · ");
    if (entry.status === "failed") foot.append("not delivered · ");
    if (entry.side !== "note") foot.append(time(entry.at));
    bubble.append(text, foot, ...entry.buttons.map((row) => this.keyboardRow(row, entry.id, waits)));
    old?.replaceWith(bubble);
    return bubble;
  }

  keyboardRow(row, messageId, waits) {
    const shown = element("div", "keys");
    shown.append(...row.map((button) => this.key(button, messageId, waits)));
    return shown;
  }

  key({ label, data, url }, messageId, waits) {
    if (url) {
      const anchor = element("a", "key", `${label} ↗`);
      Object.assign(anchor, { href: url, target: "_blank", rel: "noopener noreferrer" });
      return anchor;
    }
    const key = element("button", "key", label);
    key.type = "button";
    key.setAttribute("aria-busy", waits);
    key.addEventListener("click", () => this.attempt(server.press(this.id, messageId, data)));
    return key;
  }

  showPopup(popup) {
    if (!popup || popup.id === this.popupSeen) return;
    this.popupSeen = popup.id;
    if (popup.alert) {
      this.part(".alert p").textContent = popup.text;
      this.part(".alert").hidden = false;
      this.part(".alert button").focus({ preventScroll: true });
      return;
    }
    const toast = this.part(".toast");
    toast.textContent = popup.text;
    toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => { toast.hidden = true; }, TOAST_MILLISECONDS);
  }

  // The venues' numbers, the queues' codes and the bot's menus that there are now.
  showPlaces({ numbers, codes, menus }) {
    this.numbers = numbers;
    const select = this.part(".to select");
    const chosen = select.value;
    select.replaceChildren(...numbers.map(({ venue, number }) => new Option(`${venue} · ${number}`, number)));
    if (numbers.some(({ number }) => number === chosen)) select.value = chosen;
    const chips = this.channel === "telegram" ? this.telegramChips(codes, menus) : this.textChips(codes);
    this.part(".chips").replaceChildren(...chips.map(({ label, text }) => this.chip(label, text)));
  }

  textChips(codes) {
    const joins = codes.slice(0, MOST_CODES).map(({ code }) => `JOIN ${code}`);
    return [...joins, ...WORDS, ...CARRIER_WORDS].map((text) => ({ label: text, text }));
  }

  telegramChips(codes, menus) {
    const links = codes.slice(0, MOST_CODES).map(({ code }) => ({ label: `Open link ${code}`, text: `/start ${code}` }));
    const menu = menus[(this.language || "").slice(0, 2)] || menus[""];
    const words = menu ? menu.map(({ command }) => `/${command}`) : WORDS;
    return [...links, ...words.map((text) => ({ label: text, text }))];
  }

  chip(label, text) {
    const chip = element("button", "chip", label);
    chip.type = "button";
    chip.disabled = this.off;
    chip.addEventListener("click", () => this.write(text));
    return chip;
  }
}
