// How the demo shop makes things visible: elements, amounts, and a still life for every item.

const NAMESPACE = "http://www.w3.org/2000/svg";
const HUES = [24, 155, 208, 345, 85, 255, 42, 182, 14, 228];

const { currency } = document.querySelector("script[data-write-key]").dataset;

export const money = new Intl.NumberFormat(undefined, { style: "currency", currency });

/** Make an element with a class and a text; texts are never read as HTML. */
export function make(tag, className = "", text = null, given = {}) {
  const made = Object.assign(document.createElement(tag), given);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

function hash(text) {
  let value = 2166136261;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0), 16777619);
  value ^= value >>> 15;
  return Math.imul(value, 2246822519) >>> 0;
}

function shape(name, given) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  return made;
}

// Each stands on the line y = 78 around x, `s` wide.
const SOLIDS = [
  (x, s) => shape("rect", { x: x - s / 2, y: 78 - s * 1.25, width: s, height: s * 1.25, rx: s * 0.08 }),
  (x, s) => shape("circle", { cx: x, cy: 78 - s / 2, r: s / 2 }),
  (x, s) => shape("path", { d: `M${x - s / 2} 78v${-s * 0.7}a${s / 2} ${s / 2} 0 0 1 ${s} 0v${s * 0.7}z` }),
  (x, s) => shape("path", { d: `M${x - s / 2} ${78 - s / 2}a${s / 2} ${s / 2} 0 0 0 ${s} 0z` }),
  (x, s) => shape("path", { d: `M${x - s * 0.3} ${78 - s * 1.4}h${s * 0.6}l${s * 0.2} ${s * 1.4}h${-s}z` }),
  (x, s) => shape("path", { d: `M${x - s * 0.14} 78v${-s * 0.8}h${-s * 0.3}l${s * 0.2} ${-s * 0.6}h${s * 0.48}l${s * 0.2} ${s * 0.6}h${-s * 0.3}v${s * 0.8}z` }),
];

/** Return the picture of an item, the same for the same id, in the tint of its category;
 * the stylesheet colours `.near`, `.far` and the wall by --hue. */
export function art(item) {
  const seed = hash(item.item_id), picture = shape("svg", {
    viewBox: "0 0 100 100", preserveAspectRatio: "xMidYMax slice", "aria-hidden": "true",
  });
  picture.classList.add("art");
  picture.style.setProperty("--hue", HUES[hash(item.category ?? "") % HUES.length]);
  const main = SOLIDS[seed % SOLIDS.length](46 + (seed >>> 4) % 8, 34 + (seed >>> 8) % 10);
  const other = SOLIDS[(seed >>> 12) % SOLIDS.length]((seed >>> 16) % 2 ? 70 : 27, 15 + (seed >>> 20) % 9);
  const wall = shape("rect", { width: 100, height: 100 }), table = shape("rect", { y: 78, width: 100, height: 22 });
  for (const [part, role] of [[wall, "wall"], [table, "table"], [other, "far"], [main, "near"]]) {
    part.classList.add(role);
    picture.append(part);
  }
  return picture;
}
