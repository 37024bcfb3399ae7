// "What Nextbest knows now": asks for the visitor's own profile after every event that was taken.

import { make, money } from "./demo_art.js";

const NAMES = {
  funnel_stage: "Funnel stage", journey_stage: "Journey stage", lead_points: "Lead points",
  engagement_points: "Engagement points", loyalty_points: "Loyalty points", top_category: "Favourite category",
  top_brand: "Favourite brand", session_item_count: "Items this visit", item_view_count: "Item views",
  search_count: "Searches", add_to_cart_count: "Put in the cart", order_count: "Orders",
  spend_total: "Spent",
};
let before = null, newest = "", belonged = null, turn = 0;

function shown(name, value) {
  if (value === null || value === undefined || value === 0) return null;
  if (name === "spend_total") return money.format(value);
  return typeof value === "number" ? String(Math.round(value * 10) / 10) : String(value);
}

function facts(behaviour) {
  const list = make("dl", "facts"), now = {};
  for (const [name, label] of Object.entries(NAMES)) {
    const value = shown(name, behaviour[name]);
    if (value === null) continue;
    const row = make("div", before && before[name] !== value ? "fact changed" : "fact");
    row.append(make("dt", "", label), make("dd", "", value));
    list.append(row);
    now[name] = value;
  }
  before = now;
  return list;
}

function scoreRow([model, score]) {
  const row = make("div", "score"), bar = make("span", "bar"), part = make("span", "part");
  const value = score.probability !== undefined
    ? `${Math.round(score.probability * 100)} %` : money.format(score.amount ?? 0);
  part.style.inlineSize = `${score.percentile ?? 0}%`;
  bar.append(part);
  row.append(make("span", "", model.replaceAll("_", " ")), bar, make("span", "figure", value));
  return row;
}

function section(title, ...children) {
  const made = make("section", "part-of-panel");
  made.append(make("h3", "", title), ...children);
  return made;
}

function who(told) {
  const known = told.profile_id !== told.anonymous_id, { traits } = told;
  const name = [traits.first_name, traits.last_name].filter(Boolean).join(" ");
  const made = make("section", "who");
  made.append(make("strong", "", known ? name || "Known customer" : "Anonymous visitor"));
  const stitched = told.devices > 1 ? `${told.devices} devices, one profile` : "this browser";
  const events = told.behaviour.event_count ?? 0;
  made.append(make("span", "quiet", `${known ? "known customer" : "not logged in"} · ${stitched} · ${events} ${events === 1 ? "event" : "events"}`));
  return made;
}

function action(chosen) {
  if (!chosen) return make("p", "quiet", "Silence: nothing is worth more than it costs.");
  const made = make("div", "action");
  made.append(make("strong", "", chosen.title), make("span", "", chosen.message));
  const chance = `${(chosen.p_accept * 100).toFixed(1)} % accept`;
  made.append(make("span", "quiet", `by ${chosen.channel} · ${chance} · worth ${money.format(chosen.expected_value)}`));
  return made;
}

function events(told) {
  const list = make("ol", "events"), last = newest;
  for (const event of told) {
    const row = make("li", last && event === told[0] && last !== event.message_id ? "changed" : "");
    row.append(make("span", "", event.label), make("span", "about", event.about));
    list.append(row);
  }
  newest = told[0]?.message_id ?? "";
  return list;
}

function chips(names) {
  const list = make("ul", "chips");
  list.append(...names.map((name) => make("li", belonged && !belonged.includes(name) ? "changed" : "", name)));
  belonged = names;
  return names.length ? list : make("p", "quiet", "In no segment yet.");
}

function draw(told) {
  const scores = Object.entries(told.scores);
  document.getElementById("summary").textContent = `${Math.round(told.behaviour.lead_points ?? 0)} points`;
  document.getElementById("knowledge").replaceChildren(
    who(told),
    section("Behaviour", facts(told.behaviour)),
    section("Next best action", action(told.action)),
    section("Segments", chips(told.segments)),
    section("Model scores", ...(scores.length ? scores.map(scoreRow)
      : [make("p", "quiet", "None yet: models score everybody in runs (nextbest score). Points count at once.")])),
    section("Latest events", events(told.events)),
  );
}

/** Ask again and draw; an answer that was overtaken by a later one is dropped. */
export async function refresh() {
  const id = window.nextbest?.anonymousId?.(), mine = ++turn;
  const knowledge = document.getElementById("knowledge");
  if (!id) {
    knowledge.replaceChildren(make("p", "quiet", "This browser asks not to be tracked, so nothing is known and nothing is sent. Lists are the same for everybody."));
    return;
  }
  const answer = await fetch(`/demo/panel?anonymous_id=${encodeURIComponent(id)}`).catch(() => null);
  if (mine !== turn) return;
  if (answer?.ok) draw(await answer.json());
  else knowledge.replaceChildren(make("p", "quiet", "The profile cannot be read right now."));
}
