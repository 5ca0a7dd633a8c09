// What the origin's OpenAPI document says against what the running origin does, by schemathesis: no 5xx, no answer whose status, type or
// shape is not described. Bounded examples, a fixed seed.
//
//   node drift.mjs --binary path/to/streamgate

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { Server } from "./server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const CHECKS = [
  "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance", "response_headers_conformance",
  "allow_header_conformance", "unsupported_method", "ignored_auth",
];
/** Streams that do not end, and what ends the session that asks. */
const NOT_ASKED = ["/api/v1/events", "/api/v1/auth/logout"];
const { values: options } = parseArgs({ options: { binary: { type: "string" } } });

/** Things that paths can name: those that are deleted are others than those that are read. */
async function things(server) {
  const upload = async () => {
    const made = await fetch(`${server.url}/api/v1/upload?name=x.mp4`, {
      method: "POST", headers: { authorization: `Bearer ${server.key}` }, body: Math.random().toString(),
    });
    return (await made.json()).id;
  };
  const resumable = async (kind, headers) => {
    const made = await fetch(`${server.url}/api/v1/upload/${kind}`, { method: "POST", headers: { authorization: `Bearer ${server.key}`, ...headers } });
    return made.headers.get("location").split("/").at(-1);
  };
  const tus = () => resumable("tus", { "tus-resumable": "1.0.0", "upload-length": "9" });
  const partial = () => resumable("resumable", { "upload-complete": "?0", "upload-length": "9" });
  const hook = async () => (await server.api("POST", "webhooks", { url: "http://127.0.0.1:9/hook" })).id;
  const key = async () => (await server.api("POST", "keys", { name: "x", role: "viewer" })).id;
  const category = async (id) => (await server.api("POST", "categories", { id, name: id })).id;
  const schedule = async (id) => (await server.api("POST", "worker/schedule", { id, what: "bin", cron: "0 0 1 1 *" })).id;
  const made = {};
  const two = async (start, make) => { made[start] = { kept: await make("kept"), ended: await make("ended") }; };
  await two("/api/v1/content/", upload);
  await two("/api/v1/transcode/", upload);
  await two("/api/v1/upload/tus/", tus);
  await two("/api/v1/upload/resumable/", partial);
  await two("/api/v1/webhooks/", hook);
  await two("/api/v1/keys/", key);
  await two("/api/v1/categories/", category);
  await two("/api/v1/worker/schedule/", schedule);
  const jobs = (await server.api("GET", "worker/jobs")).items;
  made["/api/v1/worker/jobs/"] = { kept: String(jobs[0].id), ended: String(jobs[1].id) };
  const { hooks, session } = { hooks: made["/api/v1/webhooks/"], session: await signIn(server) };
  await server.api("POST", `webhooks/${hooks.kept}/test`);
  made["/api/v1/accounts/"] = { kept: session.account.id, ended: session.account.id };
  return { made, session };
}

async function signIn(server) {
  const account = privateKeyToAccount(generatePrivateKey());
  const post = async (path, body) => {
    const answer = await fetch(`${server.url}/api/v1/auth/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return answer.json();
  };
  const { message } = await post("challenge", { address: account.address });
  return post("login", { message, signature: await account.signMessage({ message }) });
}

/** The document, sharper: paths can name what there is, and answers may have no field that is not described. */
function sharpened(document, made) {
  for (const [path, item] of Object.entries(document.paths)) {
    const start = Object.keys(made).find((start) => path.startsWith(start));
    for (const [method, operation] of Object.entries(item)) {
      for (const parameter of operation.parameters) {
        if (parameter.in !== "path" || !start) continue;
        const known = parameter.name === "id" ? made[start][method === "delete" ? "ended" : "kept"] : "1";
        parameter.schema = { anyOf: [{ const: known }, parameter.schema] };
        parameter.example = known;
      }
    }
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    // Not by additionalProperties: of answers schemathesis does not ask for that.
    if (name.endsWith("Answer")) schema.propertyNames = { enum: Object.keys(schema.properties) };
  }
  return document;
}

/** One run; what it said, and whether it found nothing. */
async function schemathesis(server, file, key, extra) {
  const args = [
    "-m", "schemathesis.cli", "run", file, "--url", server.url, "-H", `Authorization: Bearer ${key}`, "--checks", CHECKS.join(","),
    "--phases", "examples,coverage,fuzzing", "-n", "12", "--seed", "20", "--continue-on-failure", "--no-shrink", "--warnings", "off",
    "--request-timeout", "20", "--suppress-health-check", "all", "--generation-deterministic", ...NOT_ASKED.flatMap((path) => ["--exclude-path", path]), ...extra,
  ];
  const env = { ...process.env, PYTHONPATH: `${join(HERE, "python")}:${HERE}`, SCHEMATHESIS_HOOKS: "schemathesis_hooks" };
  const child = spawn("python3", args, { env, stdio: ["ignore", "pipe", "pipe"], cwd: server.data });
  let said = "";
  child.stdout.on("data", (chunk) => { said += chunk; });
  child.stderr.on("data", (chunk) => { said += chunk; });
  const code = await new Promise((resolve, reject) => { child.once("error", reject); child.once("close", resolve); });
  return { said, code };
}

const server = await Server.start(options.binary);
let failed = false;
try {
  const { made, session } = await things(server);
  const document = await fetch(`${server.url}/api/v1/openapi.json`).then((answer) => answer.json());
  const file = join(server.data, "openapi.json");
  await writeFile(file, JSON.stringify(sharpened(document, made)));
  const mine = ["--include-path-regex", "^/api/v1/auth/"];
  for (const [who, key, extra] of [["an admin", server.key, []], ["a viewer", session.access_token, mine]]) {
    const { said, code } = await schemathesis(server, file, key, extra);
    const cases = /(\d+ generated[^\n]*)/.exec(said)?.[1];
    const isWell = code === 0 && Boolean(cases);
    if (!isWell) { failed = true; console.log(said); }
    console.log(`${isWell ? "pass" : "FAIL"} the document, asked as ${who} (${cases})`);
  }
  // That drift would be found.
  const { propertyNames } = document.components.schemas.ContentAnswer;
  propertyNames.enum = propertyNames.enum.filter((name) => name !== "owner");
  await writeFile(file, JSON.stringify(document));
  const { said, code } = await schemathesis(server, file, server.key, ["--include-path", "/api/v1/content"]);
  const isFound = code !== 0 && said.includes("owner");
  if (!isFound) { failed = true; console.log(said); }
  console.log(`${isFound ? "pass" : "FAIL"} a field that is not described is found`);
} finally {
  await server.end();
}
process.exit(failed ? 1 : 0);
