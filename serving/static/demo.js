// The demo shop: four views, a cart, invented people. Events and lists are the tracker's work.

import { art, make, money } from "./demo_art.js";
import { refresh } from "./demo_panel.js";

const main = document.getElementById("main");
const script = document.querySelector("script[data-write-key]").dataset;
const PEOPLE = [
  { key: "ada", firstName: "Ada", lastName: "Lindqvist", email: "ada@example.org", country: "SE", city: "Lund" },
  { key: "bruno", firstName: "Bruno", lastName: "Castellani", email: "bruno@example.org", country: "IT", city: "Parma" },
  { key: "mei", firstName: "Mei", lastName: "Haverkamp", email: "mei@example.org", country: "NL", city: "Delft" },
];

const price = (item) => (item.price === null ? "" : money.format(item.price));
const addressOf = (item) => `/demo/items/${encodeURIComponent(item.item_id)}`;

function named(node, item) {
  Object.assign(node.dataset, { nextbestItem: item.item_id, itemName: item.title });
  if (item.category) node.dataset.itemCategory = item.category;
  if (item.brand) node.dataset.itemBrand = item.brand;
  if (item.price !== null) node.dataset.itemPrice = item.price;
  return node;
}

function card(item, isNew = false) {
  const link = named(make("a", isNew ? "card is-new" : "card", null, { href: addressOf(item) }), item);
  const words = make("span", "words");
  words.append(make("span", "title", item.title), make("span", "quiet", item.brand ?? item.category ?? ""));
  const reason = item.reasons?.[0]?.text;
  if (reason) words.append(make("span", "reason", reason));
  link.append(art(item), words, make("span", "price", price(item)));
  return link;
}

// Lists of the tracker: our own cards instead of its plain ones, and a mark on what is new.
const shownBefore = new Map();
document.addEventListener("nextbest:list", (event) => {
  event.preventDefault();
  const place = event.target, name = place.dataset.nextbestPlacement, ids = event.detail.items.map((i) => i.item_id);
  const last = shownBefore.get(name);
  if (last?.join() === ids.join() && place.childElementCount) return;
  place.replaceChildren(...event.detail.items.map((item) => card(item, last && !last.includes(item.item_id))));
  shownBefore.set(name, ids);
});

function placement(name, title, limit) {
  const part = make("section", "row"), place = make("div", "cards picks");
  Object.assign(place.dataset, { nextbestPlacement: name, limit });
  part.append(make("h2", "", title), place);
  return part;
}

async function shelf(asked) {
  const answer = await fetch(`/demo/shelf?${new URLSearchParams(asked)}`);
  return answer.ok ? answer.json() : { items: [], categories: [] };
}

function cards(items) {
  const grid = make("div", "cards");
  grid.append(...items.map((item) => card(item)));
  return grid;
}

async function home(query) {
  const category = query.get("category");
  const found = await shelf(category ? { category } : {});
  const chips = make("nav", "categories", null, { ariaLabel: "Categories" });
  for (const name of [null, ...found.categories]) {
    const link = make("a", "chip", name ?? "All", { href: name ? `/demo?${new URLSearchParams({ category: name })}` : "/demo" });
    if (name === category) link.setAttribute("aria-current", "page");
    chips.append(link);
  }
  const rest = make("section", "row");
  rest.append(make("h2", "", category ?? "The whole shelf"), chips, cards(found.items));
  return [category ?? "Demo shop", placement("home", "For you", 4), rest];
}

async function search(query) {
  const words = query.get("q") ?? "", found = await shelf({ q: words });
  const part = make("section", "row");
  const count = found.items.length ? `Found for “${words}”` : `Nothing found for “${words}”`;
  part.append(make("h2", "", count), cards(found.items));
  return [`Search: ${words}`, part, placement("search", "For you", 4)];
}

async function product(id) {
  const [item] = (await shelf({ ids: id })).items;
  if (!item) return ["Not found", make("p", "quiet", "There is no such item on the shelf.")];
  const view = named(make("article", "product"), item), words = make("div", "words");
  view.dataset.nextbestView = "item";
  const add = make("button", "primary", item.in_stock ? "Put in the cart" : "Sold out", { type: "button", disabled: !item.in_stock });
  add.dataset.nextbestAddToCart = item.item_id;
  add.addEventListener("click", () => { changeCart(item, 1); add.textContent = "In the cart. One more?"; });
  words.append(
    make("p", "quiet", [item.category, item.brand].filter(Boolean).join(" · ")),
    make("h1", "", item.title), make("p", "price large", price(item)), add,
  );
  view.append(art(item), words);
  return [item.title, view, placement("item", "Goes with it", 4)];
}

const cart = {
  get lines() { try { return JSON.parse(localStorage.getItem("demo.cart")) ?? []; } catch { return []; } },
  set lines(lines) {
    try { localStorage.setItem("demo.cart", JSON.stringify(lines)); } catch { /* lives with the page */ }
    document.getElementById("cart-count").textContent = lines.reduce((sum, line) => sum + line.quantity, 0);
  },
};

function changeCart(item, by) {
  const lines = cart.lines, line = lines.find((l) => l.item_id === item.item_id);
  if (line) line.quantity += by;
  else lines.push({ ...item, reasons: [], quantity: by });
  cart.lines = lines.filter((l) => l.quantity > 0);
}

function cartView() {
  const lines = cart.lines, part = make("section", "row cart");
  part.append(make("h1", "", "Cart"));
  if (!lines.length) part.append(make("p", "quiet", "Nothing in it yet."));
  for (const line of lines) {
    const row = make("div", "line"), less = make("button", "plain", "Remove", { type: "button" });
    less.addEventListener("click", () => {
      changeCart(line, -line.quantity);
      window.nextbest?.track("Product Removed", { product_id: line.item_id, quantity: line.quantity });
      show();
    });
    const link = make("a", "title", line.title, { href: addressOf(line) });
    row.append(art(line), link, make("span", "quiet", `${line.quantity} ×`), make("span", "price", price(line)), less);
    part.append(row);
  }
  if (lines.length) part.append(checkout(lines));
  const more = placement("cart", "Before you go", 4); // other things than those in the cart
  more.querySelector(".picks").dataset.filter = JSON.stringify({ item_id: { notIn: lines.map((l) => l.item_id) } });
  return ["Cart", part, more];
}

function checkout(lines) {
  const total = lines.reduce((sum, line) => sum + line.quantity * (line.price ?? 0), 0);
  const foot = make("div", "total"), buy = make("button", "primary", "Buy", { type: "button" });
  buy.addEventListener("click", () => {
    window.nextbest?.track("Order Completed", {
      order_id: `demo-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`,
      revenue: Math.round(total * 100) / 100, currency: script.currency,
      products: lines.map((l) => ({ product_id: l.item_id, quantity: l.quantity, price: l.price, category: l.category ?? undefined, brand: l.brand ?? undefined })),
    });
    cart.lines = [];
    show(thanks);
  });
  foot.append(make("span", "", "Total"), make("strong", "price", money.format(total)), buy);
  return foot;
}

function thanks() {
  const part = make("section", "row");
  part.append(make("h1", "", "Thank you"), make("p", "quiet", "The order is an event too: what was bought leaves the lists, and the profile has moved on."));
  return ["Thank you", part, placement("thanks", "Next time", 4)];
}

// Views by address; the page itself stays, so that the panel does too.
function viewOf({ pathname, search: text }) {
  const query = new URLSearchParams(text), [, , kind, id] = pathname.split("/");
  if (kind === "items") return product(decodeURIComponent(id));
  if (kind === "search") return search(query);
  if (kind === "cart") return cartView();
  return home(query);
}

const words = document.querySelector(".search input");
let turn = 0;
async function show(view = () => viewOf(location)) {
  const mine = ++turn, [title, ...parts] = await view();
  if (mine !== turn) return;
  document.title = title === "Demo shop" ? title : `${title} – Demo shop`;
  shownBefore.forEach((_, name) => { if (name !== "home") shownBefore.delete(name); });
  main.replaceChildren(...parts);
  words.value = location.pathname === "/demo/search" ? new URLSearchParams(location.search).get("q") ?? "" : "";
}

function go(address) {
  history.pushState(null, "", address);
  scrollTo(0, 0);
  show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/demo']");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});
document.querySelector(".search").addEventListener("submit", (event) => {
  event.preventDefault();
  go(`/demo/search?${new URLSearchParams(new FormData(event.target))}`);
});
addEventListener("popstate", () => show());
document.addEventListener("nextbest:sent", () => refresh());

// Accounts: ids begin with this visitor's own prefix, so logging in as somebody else is impossible.
const account = document.getElementById("account"), login = document.getElementById("login");
const remembered = () => PEOPLE.find((person) => localStorage.getItem("demo.person") === person.key);
const showAccount = () => { account.textContent = remembered() ? `Log out ${remembered().firstName}` : "Log in"; };
account.addEventListener("click", async () => {
  if (!remembered()) return login.showModal();
  localStorage.removeItem("demo.person");
  showAccount();
  await window.nextbest?.reset();
  refresh();
});
for (const person of PEOPLE) {
  const { key, ...traits } = person, button = make("button", "person", `${person.firstName} ${person.lastName}`, { type: "button" });
  button.append(make("span", "quiet", `${person.city}, ${person.country}`));
  button.addEventListener("click", () => {
    localStorage.setItem("demo.person", key);
    window.nextbest?.identify(script.idPrefix + key, traits);
    window.nextbest?.track("Signed In");
    login.close();
    showAccount();
  });
  document.getElementById("people").append(button);
}

const panel = document.getElementById("panel"), handle = document.getElementById("handle");
handle.addEventListener("click", () => {
  handle.setAttribute("aria-expanded", String(panel.classList.toggle("open")));
});

cart.lines = [...cart.lines]; // shows the number
showAccount();
show();
refresh();
