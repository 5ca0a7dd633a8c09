// Uploads, sign-ins, calls and webhooks by clients that are not ours. One line a check; the exit code is 1 when one failed.
//
//   node run.mjs --binary path/to/streamgate [--kills 5]

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as tus from "tus-js-client";
import { GRPC } from "./grpc.mjs";
import { Server } from "./server.mjs";
import { SIGN_IN } from "./signin.mjs";
import { WEBHOOKS } from "./webhooks.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const MIB = 1 << 20;
const { values: options } = parseArgs({ options: { binary: { type: "string" }, kills: { type: "string", default: "5" } } });

/** Bytes that no sniffing takes for a page, and that differ from run to run. */
function bytes(length) {
  const made = randomBytes(length);
  made.write("\0\0\0\x18ftypisom", 0, "latin1");
  return made;
}

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** Uploads with tus-js-client; `change` may alter its options, `started` is told the upload. */
function upload(server, data, change = {}, started = () => {}) {
  return new Promise((resolve, reject) => {
    let asset = "";
    const made = new tus.Upload(data, {
      endpoint: `${server.url}/api/v1/upload/tus`,
      headers: { authorization: `Bearer ${server.key}` },
      metadata: { filename: "trip.mp4", title: "trip" },
      chunkSize: MIB,
      retryDelays: Array(60).fill(100),
      onShouldRetry: () => true,
      onAfterResponse: (_, answer) => { asset = answer.getHeader("streamgate-asset") ?? asset; },
      onError: reject,
      onSuccess: () => resolve(asset),
      ...change,
    });
    started(made);
    made.start();
  });
}

/** What arrived is what left. */
async function same(server, asset, data) {
  if (!asset) throw new Error("no answer named an asset");
  const content = await server.api("GET", `content/${asset}`);
  if (content.sha256 !== sha256(data)) throw new Error(`${content.sha256} arrived, ${sha256(data)} left`);
  if (content.bytes !== data.length) throw new Error(`${content.bytes} bytes arrived`);
}

async function whole(server) {
  const data = bytes(3 * MIB + 7);
  await same(server, await upload(server, data, { chunkSize: Infinity }), data);
}

async function pieces(server) {
  const data = bytes(5 * MIB + 1);
  await same(server, await upload(server, data), data);
}

async function withFirstBytes(server) {
  const data = bytes(2 * MIB);
  await same(server, await upload(server, data, { uploadDataDuringCreation: true }), data);
}

async function parts(server) {
  const data = bytes(4 * MIB + 3);
  await same(server, await upload(server, data, { parallelUploads: 3 }), data);
}

async function resumed(server) {
  const data = bytes(8 * MIB);
  const url = await new Promise((resolve, reject) => {
    let made;
    const onChunkComplete = () => { made.abort().then(() => resolve(made.url), reject); };
    upload(server, data, { onChunkComplete }, (upload) => { made = upload; }).catch(reject);
  });
  await same(server, await upload(server, data, { uploadUrl: url }), data);
}

async function killed(server) {
  const data = bytes(48 * MIB);
  let done = false;
  let kills = 0;
  const uploading = upload(server, data, { chunkSize: 4 * MIB }).finally(() => { done = true; });
  while (!done && kills < Number(options.kills)) {
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 120));
    if (done) break;
    await server.kill();
    kills += 1;
    await server.run();
  }
  await same(server, await uploading, data);
  if (kills === 0) throw new Error("it was never killed");
  return `${kills} kills`;
}

async function tuspy(server) {
  const data = bytes(3 * MIB + 11);
  const file = join(server.data, "tuspy.bin");
  await writeFile(file, data);
  const local = join(HERE, "python");
  const env = { ...process.env, ...(existsSync(local) && { PYTHONPATH: local }) };
  const child = spawn("python3", [join(HERE, "tuspy_upload.py"), server.url, server.key, file], { env, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => { out += chunk; });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`tuspy ended with ${code}`);
  await same(server, out.trim(), data);
}

const CHECKS = { whole, pieces, withFirstBytes, parts, resumed, killed, tuspy, ...SIGN_IN, ...WEBHOOKS, ...GRPC };

const server = await Server.start(options.binary);
let failed = 0;
try {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      const said = await check(server);
      console.log(`pass ${name}${said ? ` (${said})` : ""}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error.message}`);
    }
  }
} finally {
  await server.end();
}
console.log(`${Object.keys(CHECKS).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
