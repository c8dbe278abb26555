// Small makers of elements. What people wrote only ever becomes text nodes.

const LINK = /https?:\/\/[^\s<>"]+/g;
const NOT_PART_OF_A_LINK = /[.,;:!?)\]'’]+$/;

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function withLinks(text) {
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(NOT_PART_OF_A_LINK, "");
    parts.append(text.slice(end, found.index), link(address));
    end = found.index + address.length;
  }
  parts.append(text.slice(end));
  return parts;
}

function link(address) {
  if (!URL.canParse(address)) return address;
  const anchor = element("a", "", address);
  anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

export function time(moment) {
  const shown = element("time", "", new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  shown.dateTime = moment;
  return shown;
}
