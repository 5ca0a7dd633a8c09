// Shows the OpenAPI document: routes by subject, who may use each, its parameters and bodies. No network but this origin.

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function who(operation) {
  const right = operation["x-streamgate-who"];
  if (right.anyone) return "anyone";
  if (right.edge) return `edges, ${right.role}`;
  if (right.owner) return `owner: ${right.owner}, others': ${right.others}`;
  return right.role;
}

function route(method, path, operation, schemas) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("code", method.toUpperCase(), "method"), element("code", path), ` ${operation.summary} `);
  summary.append(element("span", who(operation), "who"));
  details.append(summary);
  const names = operation.parameters.map((p) => `${p.name} (${p.in})`).join(", ");
  if (names) details.append(element("p", `Parameters: ${names}`));
  for (const [kind, content] of Object.entries(operation.requestBody?.content ?? {})) {
    details.append(element("p", `Body: ${kind}`));
    const name = content.schema?.$ref?.split("/").pop();
    if (name) details.append(element("pre", JSON.stringify(schemas[name], null, 2)));
  }
  details.append(element("p", `Answers: ${Object.keys(operation.responses).join(", ")}`));
  return details;
}

function show(api) {
  document.getElementById("about").firstChild.textContent = `${api.info.description} Version ${api.info.version}, from `;
  document.getElementById("about").lastChild.textContent = ".";
  const subjects = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const subject = item[method].tags[0];
      if (!subjects.has(subject)) subjects.set(subject, []);
      subjects.get(subject).push(route(method, path, item[method], api.components.schemas));
    }
  }
  const main = document.getElementById("routes");
  for (const [subject, routes] of [...subjects].sort(([a], [b]) => a.localeCompare(b))) {
    main.append(element("h2", subject), ...routes);
  }
}

fetch("/api/v1/openapi.json").then((answer) => answer.json()).then(show, (error) => {
  document.getElementById("about").textContent = `The document cannot be read: ${error.message}`;
});
