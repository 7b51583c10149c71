// Draws openapi.json. All text goes into the page as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete", "head"];

/** An element with properties and children; strings become text. */
function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return element;
}

/** Text in which `code` and line breaks between paragraphs count. */
function prose(text) {
  return (text ?? "").split(/\n\s*\n/).map((paragraph) =>
    make(
      "p",
      {},
      paragraph
        .split(/(`[^`]+`)/)
        .map((part) => (part.startsWith("`") && part.length > 2 ? make("code", {}, part.slice(1, -1)) : part)),
    ),
  );
}

function schemaName(reference) {
  return reference.split("/").at(-1);
}

/** The short form of a schema: names link to the objects below. */
function typeOf(schema) {
  if (!schema) return ["anything"];
  if (schema.$ref) {
    const name = schemaName(schema.$ref);
    return [make("a", { href: `#object-${name}` }, name)];
  }
  const several = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (several) {
    const joint = schema.allOf ? " and " : " or ";
    return several.flatMap((one, index) => (index ? [joint, ...typeOf(one)] : typeOf(one)));
  }
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" or ")];
  const types = [schema.type ?? (schema.properties ? "object" : "anything")].flat();
  return types.flatMap((type, index) => {
    const text =
      type === "array"
        ? ["list of ", ...typeOf(schema.items)]
        : schema.format && type !== "null"
          ? [`${type} (${schema.format})`]
          : [type];
    return index ? [" or ", ...text] : text;
  });
}

/** What bounds a value has, in words. */
function limits(schema) {
  const known = [
    ["minimum", "from"],
    ["maximum", "to"],
    ["maxLength", "letters at most"],
    ["maxItems", "items at most"],
    ["default", "default"],
  ];
  const words = known.filter(([key]) => schema?.[key] !== undefined).map(([key, word]) => `${word} ${schema[key]}`);
  return words.length ? make("span", { className: "quiet" }, ` ${words.join(", ")}`) : undefined;
}

function row(name, required, schema, description) {
  return make(
    "tr",
    {},
    make("td", {}, make("code", {}, name), required ? make("span", { title: "needed" }, " *") : ""),
    make("td", {}, typeOf(schema), limits(schema), prose(description)),
  );
}

/** The properties of an object, those of the parts of `allOf` too. */
function properties(schema) {
  const own = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    row(name, schema.required?.includes(name), property, property.description),
  );
  return (schema.allOf ?? [])
    .flatMap((part) => (part.$ref ? [row("…", false, part, "and everything of it")] : properties(part)))
    .concat(own);
}

/** A value as a client could send it. */
function example(schema, all, depth = 0) {
  if (!schema || depth > 5) return null;
  if (schema.$ref) return example(all[schemaName(schema.$ref)], all, depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(part, all, depth + 1)));
  const first = (schema.oneOf ?? schema.anyOf)?.find((one) => one.type !== "null");
  if (first) return example(first, all, depth + 1);
  const type = [schema.type].flat().find((one) => one !== "null");
  if (type === "array") return [example(schema.items, all, depth + 1)];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return true;
  if (type === "string") return "…";
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, one]) => [name, example(one, all, depth + 1)]),
  );
}

/** A text as one word of a shell. */
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The address of the server, without a slash at the end. */
function serverOf(api) {
  return new URL(api.servers?.[0]?.url ?? "/", location.href).href.replace(/\/$/, "");
}

/** The curl line of an operation. */
function curl(method, path, operation, api, token) {
  const words = ["curl"];
  if (method === "head") words.push("--head");
  else if (method !== "get") words.push("-X", method.toUpperCase());
  const query = (operation.parameters ?? []).filter((one) => one.in === "query" && one.required);
  const asked = query
    .map((one) => `${one.name}=${encodeURIComponent(example(one.schema, api.components.schemas) ?? "")}`)
    .join("&");
  words.push(quoted(serverOf(api) + path + (asked ? `?${asked}` : "")));
  if ((operation.security ?? api.security ?? []).length)
    words.push("-H", quoted(`Authorization: Bearer ${token || "TOKEN"}`));
  const body = operation.requestBody?.content?.["application/json"];
  if (body) words.push("--json", quoted(JSON.stringify(example(body.schema, api.components.schemas))));
  return words.join(" ");
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((one) =>
    row(one.name, one.required, one.schema, `${one.description ?? ""} (${one.in})`),
  );
  return rows.length ? [make("h4", {}, "Parameters"), make("table", {}, rows)] : [];
}

function body(operation) {
  const found = Object.entries(operation.requestBody?.content ?? {});
  return found.flatMap(([type, content]) => [make("h4", {}, `Body, ${type}`), make("p", {}, typeOf(content.schema))]);
}

function responses(operation) {
  const rows = Object.entries(operation.responses ?? {}).map(([status, response]) => {
    const contents = Object.entries(response.content ?? {}).flatMap(([type, content]) =>
      make("p", {}, typeOf(content.schema), make("span", { className: "quiet" }, ` ${type}`)),
    );
    return make(
      "tr",
      {},
      make("td", {}, make("code", {}, status)),
      make("td", {}, contents, prose(response.description)),
    );
  });
  return [make("h4", {}, "Answers"), make("table", {}, rows)];
}

function drawOperation(method, path, operation, api) {
  const id = operation.operationId ?? `${method}-${path}`;
  const line = make("code", {});
  const update = () => {
    line.textContent = curl(method, path, operation, api, document.querySelector("#token").value.trim());
  };
  document.querySelector("#token").addEventListener("input", update);
  update();
  const copy = make(
    "button",
    { className: "copy", onclick: () => navigator.clipboard?.writeText(line.textContent) },
    "copy",
  );
  const needs = (operation.security ?? api.security ?? []).length
    ? ""
    : make("span", { className: "quiet" }, " needs no token");
  return make(
    "section",
    { id: `operation-${id}` },
    make("h3", {}, make("span", { className: `method ${method}` }, method.toUpperCase()), path, needs),
    prose(operation.summary),
    prose(operation.description),
    parameters(operation),
    body(operation),
    responses(operation),
    make("h4", {}, "Try it"),
    make("pre", {}, copy, line),
  );
}

function drawSchema([name, schema]) {
  const rows = properties(schema);
  return make(
    "section",
    { id: `object-${name}` },
    make("h3", {}, name),
    prose(schema.description),
    rows.length ? make("table", {}, rows) : make("p", {}, typeOf(schema)),
  );
}

function draw(api) {
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })),
  );
  const known = (api.tags ?? []).map((tag) => tag.name);
  const groups = [...new Set([...known, ...operations.flatMap(({ operation }) => operation.tags ?? ["other"])])];
  document
    .querySelector("#about")
    .append(
      make("h1", {}, `${api.info.title} ${api.info.version}`),
      ...prose(api.info.description),
      make("p", {}, make("a", { href: "openapi.json" }, "openapi.json"), ` (OpenAPI ${api.openapi})`),
    );
  for (const group of groups) {
    const members = operations.filter(({ operation }) => (operation.tags ?? ["other"])[0] === group);
    if (!members.length) continue;
    document
      .querySelector("#index")
      .append(
        make("h2", {}, group),
        ...members.map(({ method, path, operation }) =>
          make(
            "a",
            { href: `#operation-${operation.operationId ?? `${method}-${path}`}` },
            make("span", { className: `method ${method}` }, method.toUpperCase()),
            path,
          ),
        ),
      );
    document
      .querySelector("#operations")
      .append(
        make("h2", {}, group),
        ...prose(api.tags?.find((tag) => tag.name === group)?.description),
        ...members.map(({ method, path, operation }) => drawOperation(method, path, operation, api)),
      );
  }
  document.querySelector("#schemas").append(...Object.entries(api.components?.schemas ?? {}).map(drawSchema));
  document.querySelector("#filter").addEventListener("input", ({ target }) => {
    for (const element of document.querySelectorAll("#index a, #operations section")) {
      element.hidden = !element.textContent.toLowerCase().includes(target.value.toLowerCase());
    }
  });
  // The place asked for exists only now.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .catch((error) => {
    document.querySelector("#about").append(make("p", {}, `openapi.json could not be drawn: ${error}`));
  });
