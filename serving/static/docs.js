// The API page: every call with its fields, and a form that sends it. Nothing comes from elsewhere.
(async () => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const make = (tag, about = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), about);
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const spec = await (await fetch("openapi.json")).json();
  const follow = (part) => part?.$ref
    ? { ...part.$ref.slice(2).split("/").reduce((at, name) => at[name], spec), ...part, $ref: undefined }
    : part ?? {};

  const options = (schema) => schema.anyOf ?? schema.oneOf ?? schema.allOf ?? [];
  const named = (part) => part?.$ref?.split("/").pop();
  const typeOf = (part) => {
    const schema = follow(part);
    if (options(schema).length) return [...new Set(options(schema).map(typeOf))].join(" | ");
    if (schema.enum || "const" in schema) return (schema.enum ?? [schema.const]).map((v) => JSON.stringify(v)).join(" | ");
    if (schema.type === "array") return `list of ${[schema.items ?? schema.prefixItems].flat().map(typeOf).join(", ")}`;
    return named(part) ?? [schema.type ?? "any"].flat().join(" | ");
  };
  const limits = ({ minimum, maximum, minLength, maxLength, minItems, maxItems, default: given }) => [
    minimum !== undefined && `from ${minimum}`, maximum !== undefined && `up to ${maximum}`,
    minLength !== undefined && `at least ${minLength} characters`, maxLength !== undefined && `at most ${maxLength} characters`,
    minItems !== undefined && `at least ${minItems}`, maxItems !== undefined && `at most ${maxItems}`,
    given !== undefined && given !== null && `default ${JSON.stringify(given)}`].filter(Boolean).join(", ");
  const inner = (part) => { // the object that a field holds, through lists and alternatives
    const schema = follow(part);
    if (schema.properties) return part;
    return schema.items ? inner(schema.items) : options(schema).map(inner).find((one) => one && follow(one).properties);
  };
  const rowsOf = (part, depth = 0, above = []) => {
    const schema = follow(part), needed = new Set(schema.required ?? []);
    return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
      const full = follow(field), rest = options(full).map(follow).find((one) => one.type !== "null") ?? {};
      const below = inner(field), type = named(below ?? {});
      const words = [full.description ?? rest.description, limits({ ...rest, ...full })].filter(Boolean).join(" · ");
      const row = make("tr", {}, make("td", {}, "  ".repeat(depth) + name + (needed.has(name) ? " *" : "")),
        make("td", {}, typeOf(field)), make("td", {}, words));
      return below && !above.includes(type) ? [row, ...rowsOf(below, depth + 1, [...above, type])] : [row];
    });
  };
  const table = (title, rows) => rows.length
    ? make("section", {}, make("h4", {}, title), make("table", {}, make("tbody", {}, ...rows))) : null;
  const exampleOf = (part) => {
    const schema = follow(part), found = part?.example ?? schema.example ?? schema.examples?.[0] ?? schema.default;
    return found ?? options(schema).map(exampleOf).find((one) => one !== undefined && one !== null);
  };

  const send = async (method, path, fields, body, shown) => {
    shown.textContent = "...";
    const query = new URLSearchParams(fields.filter((f) => f.where === "query" && f.input.value).map((f) => [f.name, f.input.value]));
    const filled = fields.filter((f) => f.where === "path").reduce((at, f) => at.replace(`{${f.name}}`, encodeURIComponent(f.input.value)), path);
    const headers = { ...($("key").value && { Authorization: `Bearer ${$("key").value.trim()}` }), ...(body && { "Content-Type": "application/json" }) };
    try {
      const answer = await fetch(filled.slice(1) + (`${query}` && `?${query}`), { method, headers, body: body?.value });
      const text = await answer.text();
      let plain = text;
      try { plain = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON, shown as it is */ }
      shown.textContent = `${answer.status}\n${plain.slice(0, 100_000)}`;
    } catch (fault) { shown.textContent = String(fault); }
  };
  const formOf = (method, path, call, schema) => {
    const fields = (call.parameters ?? []).filter((p) => ["path", "query"].includes(p.in)).map((p) => ({
      name: p.name, where: p.in, input: make("input", { value: p.example ?? exampleOf(p.schema) ?? "", required: p.in === "path" }) }));
    const example = call.requestBody?.content["application/json"]?.example ?? exampleOf(schema) ?? {};
    const body = schema && make("textarea", { rows: 10, spellcheck: false, value: JSON.stringify(example, null, 2) });
    const shown = make("pre", { hidden: true });
    const form = make("form", {}, ...fields.map((f) => make("p", {}, make("label", {}, `${f.name} `, f.input))), body, make("button", {}, "Send"), shown);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      shown.hidden = false;
      send(method, path, fields, body, shown);
    });
    return form;
  };
  const blockOf = (method, path, call) => {
    const schema = call.requestBody?.content["application/json"]?.schema;
    const key = (call.security ?? []).flatMap(Object.keys).join(" or ") || "no key, or in the body";
    const parameters = (call.parameters ?? []).map((p) => make("tr", {}, make("td", {}, p.name + (p.required ? " *" : "")),
      make("td", {}, `${typeOf(p.schema)} (${p.in})`), make("td", {}, [p.description, limits(follow(p.schema))].filter(Boolean).join(" · "))));
    const answers = Object.entries(call.responses).map(([status, answer]) => make("tr", {}, make("td", {}, status), make("td", {}, answer.description ?? "")));
    const good = follow(Object.entries(call.responses).find(([status]) => status.startsWith("2"))?.[1]).content?.["application/json"]?.schema;
    const block = make("details", {}, make("summary", {}, make("b", {}, method.toUpperCase()), make("code", {}, path), make("span", { className: "quiet" }, (call.description ?? "").split("\n")[0])),
      make("p", {}, call.description ?? ""), make("p", { className: "quiet" }, `Key: ${key}`));
    block.addEventListener("toggle", () => block.childElementCount > 3 || block.append(...[
      table("Parameters", parameters), schema && table("Body", rowsOf(schema)), make("h4", {}, "Try it"), formOf(method.toUpperCase(), path, call, schema),
      good && table("Answer", rowsOf(good)), table("Statuses", answers)].filter(Boolean)));
    return block;
  };

  $("about").textContent = spec.info.description;
  const groups = new Map();
  for (const [path, calls] of Object.entries(spec.paths)) {
    for (const [method, call] of Object.entries(calls)) {
      const tag = call.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), blockOf(method, path, call)]);
    }
  }
  $("calls").replaceChildren(...[...groups].map(([tag, blocks]) => make("section", {}, make("h2", {}, tag), ...blocks)));
  $("who").addEventListener("submit", (event) => event.preventDefault());
  $("find").addEventListener("input", () => {
    const words = $("find").value.toLowerCase();
    for (const block of document.querySelectorAll("#calls details")) block.hidden = !block.firstChild.textContent.toLowerCase().includes(words);
  });
})();
