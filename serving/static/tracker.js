// What visitors do becomes events, and placements fill with what suits them; see docs/tracker.md.
(() => {
  "use strict";
  const script = document.currentScript ?? document.querySelector("script[data-write-key]");
  const early = window.nextbest; // calls made before this file was there, as [name, ...arguments]
  if (!script || (early && !Array.isArray(early))) return;
  const { writeKey = "", idPrefix = "", currency, placements, ...given } = script.dataset;
  const asks = given.consent === "required", optedOut = navigator.globalPrivacyControl === true;
  const auto = new Set((given.auto ?? "page,view,click,search,cart").split(/[\s,]+/));
  const MAX_WAITING = 500, MAX_BATCH_BYTES = 48_000, MAX_EVENT_BYTES = 30_000;
  const SESSION_MS = 30 * 60_000, SEEN_MS = 1_000, SOON_MS = 50, TIMEOUT_MS = 10_000;
  const complain = (fault) => "debug" in given && console.debug("nextbest:", fault);
  const guard = (act) => (...values) => { // nothing that goes wrong here may reach the page
    try {
      const result = act(...values);
      return result instanceof Promise ? result.catch(complain) : result;
    } catch (fault) { complain(fault); }
  };
  const host = guard(() => new URL(given.host || "/", script.src).href.replace(/\/$/, ""))() ?? "";
  const bytes = (plain) => new TextEncoder().encode(JSON.stringify(plain)).length;
  const uuid = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

  const memory = new Map(); // what localStorage does not take (blocked, full) lives with the page
  const local = (act) => { try { return act(localStorage) ?? true; } catch { return false; } };
  const stored = (id) => local((disk) => JSON.parse(disk.getItem(id)) ?? false) || undefined;
  const get = (name) => memory.has(name) ? memory.get(name) : stored(`nextbest.${name}`);
  const keep = (name, value) => { // undefined takes it away
    const id = `nextbest.${name}`, text = JSON.stringify(value);
    memory.delete(name);
    const kept = local((disk) => (text ? disk.setItem(id, text) : disk.removeItem(id)));
    if (!kept && text) memory.set(name, value);
    return value;
  };
  const forget = (...more) =>
    ["id", "user", "signature", "session", "decisions", ...more].forEach((name) => keep(name));
  const choice = () => get("consent"); // purpose -> granted; undefined before any choice
  const agrees = (purposes) => Object.values(purposes).includes(true);
  const allowed = () => !optedOut && (choice() ? agrees(choice()) : !asks);
  const visitor = () => get("id")?.startsWith?.(idPrefix) ? get("id")
    : (forget(), keep("id", idPrefix + uuid()));
  const session = () => {
    const { id, at } = get("session") ?? {}, now = Date.now();
    return keep("session", { id: now - at < SESSION_MS ? id : uuid(), at: now }).id;
  };
  const campaign = () => Object.fromEntries([...new URLSearchParams(location.search)]
    .filter(([name]) => name.startsWith("utm_"))
    .map(([name, value]) => [name === "utm_campaign" ? "name" : name.slice(4), value]));
  const device = (agent) => /iPad|Tablet|Android(?!.*Mobile)/i.test(agent) ? "tablet"
    : /Mobi|iPhone/i.test(agent) ? "mobile" : "desktop";
  let here = "", referrer = document.referrer;
  const pageNow = () => ({ path: location.pathname, search: location.search, referrer,
    title: document.title, url: location.href.split("#")[0] });
  const compose = (type, fields) => ({
    type, messageId: uuid(), anonymousId: visitor(), userId: get("user"), channel: "client",
    originalTimestamp: new Date().toISOString(), ...fields,
    context: {
      page: pageNow(), campaign: campaign(), device: { type: device(navigator.userAgent) },
      locale: navigator.language, library: { name: "nextbest-tracker", version: "1" },
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, sessionId: session(),
      consent: choice() && { categoryPreferences: choice() }, customer_signature: get("signature"),
    },
  });

  // An event leaves the queue when the answer says that it is safe; sent twice, it counts once.
  let sending, filling, timer, looking, beaconed, failures = 0, notBefore = 0;
  const waiting = () => [get("queue")].flat().filter((message) => message?.messageId);
  const put = (type, fields) => {
    if (!allowed()) return;
    const message = compose(type, fields);
    if (bytes(message) > MAX_EVENT_BYTES) throw new Error("the event is too large");
    keep("queue", [...waiting(), message].slice(-MAX_WAITING));
    schedule();
  };
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(SOON_MS, notBefore - Date.now()));
  };
  const nextBatch = (room = MAX_BATCH_BYTES) =>
    allowed() ? waiting().filter((message) => (room -= bytes(message)) > 0) : [];
  const bodyOf = (batch) => JSON.stringify({ writeKey, sentAt: new Date(), batch });
  const post = (path, body, headers, keepalive) => fetch(host + path, { method: "POST", body,
    headers, keepalive, credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const postBatch = (batch) => // another origin takes plain text without being asked first
    post("/v1/batch", bodyOf(batch), { "Content-Type": "text/plain" }, true).catch(() => null);
  const send = async () => { // returns how many events were taken
    let sent = 0;
    if (Date.now() < notBefore) return schedule() ?? sent; // timers may be a little early
    for (let batch; (batch = nextBatch()).length; sent += batch.length) {
      const answer = await postBatch(batch);
      if (!answer || answer.status >= 500 || [408, 429].includes(answer.status)) {
        const asked = Number(answer?.headers.get("Retry-After")) || 0;
        const own = Math.min(60, 2 ** failures++) * (0.75 + Math.random() / 4);
        notBefore = Date.now() + Math.max(asked, own) * 1_000;
        schedule();
        break;
      }
      const done = new Set(batch.map((message) => message.messageId));
      keep("queue", waiting().filter((message) => !done.has(message.messageId)));
      failures = 0;
    }
    if (sent) { filling = fill(); tell(document, "sent", { sent }); }
    return sent;
  };
  const flush = guard(() => (sending ??= send().finally(() => { sending = null; })));
  const settle = async () => ((await flush()) ? filling : fill()); // lists follow the events
  const leave = () => {
    const batch = nextBatch(), last = batch.at(-1)?.messageId, isNew = last && last !== beaconed;
    if (isNew && navigator.sendBeacon?.(`${host}/v1/batch`, bodyOf(batch))) beaconed = last;
  };

  const turns = new WeakMap(); // how often a placement has asked: an overtaken answer is dropped
  const all = (selector) => [...document.querySelectorAll(selector)];
  const places = () => all("[data-nextbest-placement]").filter((place) =>
    !placements || placements.split(/[\s,]+/).includes(place.dataset.nextbestPlacement));
  const pageItems = () => all('[data-nextbest-view="item"][data-nextbest-item]');
  const fill = guard(() => Promise.all( // but not while nobody has answered whether we may
    asks && !optedOut && !choice() ? [] : places().map(guard(fillOne))));
  const tell = (node, what, detail) => node.dispatchEvent(
    new CustomEvent(`nextbest:${what}`, { detail, bubbles: true, cancelable: true }));
  const fillOne = async (place) => {
    const turn = (turns.get(place) ?? 0) + 1, { limit, filter, nextbestPlacement } = place.dataset;
    turns.set(place, turn);
    const asked = JSON.stringify({
      ...(allowed() && { anonymous_id: visitor(), customer_id: get("user") }),
      placement: nextbestPlacement || "default", limit: Number(limit) || 6,
      customer_signature: get("signature"), filter: filter && JSON.parse(filter),
      context_items: pageItems().map((item) => item.dataset.nextbestItem).slice(0, 100),
    });
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${writeKey}` };
    const answer = await post("/v1/recommendations", asked, headers);
    const list = answer.ok ? await answer.json() : null;
    if (!list?.items.length || turns.get(place) !== turn) return; // what stands there stays
    place.dataset.nextbestDecision = list.decision_id;
    const rows = () => list.items.map((item) => rowOf(item, place.dataset));
    if (tell(place, "list", list)) place.replaceChildren(element("ul", "list", ...rows()));
  };
  const element = (tag, part, ...children) => { // texts become text, never HTML
    const made = Object.assign(document.createElement(tag), { className: `nextbest-${part}` });
    made.append(...children.filter((child) => child ?? false));
    return made;
  };
  const money = (price) => price?.toLocaleString(undefined, currency
    ? { style: "currency", currency } : { minimumFractionDigits: 2 });
  const rowOf = (item, { itemUrl = "/products/{id}" }) => {
    const parts = { title: item.title, category: item.category, price: money(item.price) };
    const link = element("a", "link",
      ...Object.entries(parts).map(([part, text]) => element("span", part, text)));
    link.href = itemUrl.replaceAll("{id}", encodeURIComponent(item.item_id));
    link.dataset.nextbestItem = item.item_id;
    return element("li", "item", link, element("span", "reason", item.reasons[0]?.text));
  };

  const decisionOf = (node, id) => { // the list that led to an item, also on the pages after it
    const known = new Map(get("decisions") ?? []);
    const found = node.closest("[data-nextbest-decision]")?.dataset.nextbestDecision;
    if (found) keep("decisions", [...known.set(id, found)].slice(-50));
    return known.get(id);
  };
  const productOf = (node, named) => {
    const card = node.closest("[data-nextbest-item]")?.dataset ?? {};
    const id = named || card.nextbestItem, about = card.nextbestItem === id ? card : {};
    return { product_id: id, name: about.itemName, category: about.itemCategory,
      brand: about.itemBrand, price: Number(about.itemPrice) || undefined,
      quantity: Number(node.dataset.quantity) || undefined, decision_id: decisionOf(node, id) };
  };
  const clicked = ({ target, button }) => {
    if (!allowed() || !(target instanceof Element) || button > 1) return;
    const cart = target.closest("[data-nextbest-add-to-cart]");
    const item = target.closest("[data-nextbest-item]:not([data-nextbest-view])");
    if (!cart && item && auto.has("click")) api.track("Product Clicked", productOf(item));
    const named = cart?.dataset.nextbestAddToCart;
    if (cart && auto.has("cart")) api.track("Product Added", productOf(cart, named));
  };
  const searched = ({ target: form }) => {
    if (!auto.has("search") || !form.matches("[data-nextbest-search]")) return;
    const query = form.querySelector('[type="search"], [name="q"], [type="text"]')?.value.trim();
    if (query) api.track("Products Searched", { query: query.slice(0, 200) });
  };
  const timers = new WeakMap(), watched = new WeakMap(); // element -> timer; element -> item id
  const sight = new IntersectionObserver(guard((entries) => entries.forEach((entry) => {
    const item = entry.target, half = entry.intersectionRect.height >= innerHeight / 2;
    const seen = guard(() => (sight.unobserve(item), api.track("Product Viewed", productOf(item))));
    clearTimeout(timers.get(item));
    if (half || entry.intersectionRatio >= 0.5) timers.set(item, setTimeout(seen, SEEN_MS));
  })), { threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5] });
  const look = guard(() => { // takes up what the page has added
    looking = 0;
    const fresh = (item) => watched.get(item) !== item.dataset.nextbestItem;
    for (const item of auto.has("view") ? pageItems().filter(fresh) : []) {
      watched.set(item, item.dataset.nextbestItem), sight.unobserve(item), sight.observe(item);
    }
    return places().some((place) => !turns.has(place)) && settle();
  });
  const moved = () => setTimeout(guard(() => { // by then the page has set its title
    const there = location.pathname + location.search;
    if (there === here) return;
    if (here) referrer = new URL(here, location.href).href;
    here = there;
    if (auto.has("page")) api.page();
  }));
  const known = () => `${[get("user"), get("signature")]}` === // or the server's page says who
    `${[given.customerId, given.customerSignature]}` || api.identify(given.customerId);
  const api = window.nextbest = {
    track: (event, properties = {}) => put("track", { event: String(event), properties }),
    page: (name, more = {}) => put("page", { name, properties: { ...pageNow(), ...more } }),
    identify(userId, traits = {}, { signature = given.customerSignature } = {}) {
      if (!allowed() || !userId) return;
      if (get("user") && get("user") !== String(userId)) forget(); // another person, same device
      visitor(), keep("user", String(userId)), keep("signature", signature);
      put("identify", { traits });
    },
    consent(purposes = {}) {
      const now = { ...purposes }, was = allowed();
      for (const purpose in now) now[purpose] = now[purpose] === true;
      if (optedOut || JSON.stringify(now) === JSON.stringify(choice())) return;
      keep("consent", agrees(now) || !asks ? now : undefined); // kept unless silence means no
      memory.set("consent", now);
      if (agrees(now)) known(), api.track("accept-tracking");
      if (agrees(now) && !was && auto.has("page")) api.page();
      if (agrees(now) || !was) return settle();
      postBatch([compose("track", { event: "Consent Refused" })]); // the server must learn of it
      forget("queue");
      return settle();
    },
    reset: () => (forget(), settle()), refresh: settle,
    anonymousId: () => (allowed() ? visitor() : null),
    push: (...calls) => calls.forEach(([name, ...values]) => api[name]?.(...values)),
  };
  for (const name in api) api[name] = guard(api[name]);

  const start = () => {
    known(), moved(), setTimeout(guard(() => { api.push(...(early ?? [])); look() || settle(); }));
    const changes = new MutationObserver(() => { looking ||= setTimeout(look, SOON_MS); });
    changes.observe(document, { childList: true, subtree: true });
  };
  const listen = (kind, act) => document.addEventListener(kind, guard(act), true);
  guard(() => {
    const pushState = history.pushState;
    history.pushState = function (...values) { pushState.apply(this, values); moved(); };
    addEventListener("popstate", moved);
    addEventListener("pageshow", ({ persisted }) => persisted && ((here = ""), moved()));
    addEventListener("pagehide", guard(leave));
    addEventListener("online", () => { failures = notBefore = 0; settle().catch(complain); });
    listen("visibilitychange", () => document.hidden && leave());
    for (const kind of ["click", "auxclick"]) listen(kind, clicked);
    listen("submit", searched);
    document.readyState === "loading" ? listen("DOMContentLoaded", start) : start();
  })();
})();
