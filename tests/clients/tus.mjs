// Resumable uploads with tus-js-client and tuspy: whole, in pieces, ended and resumed, over ends of the server, and behind a proxy.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tus from "tus-js-client";
import { MIB, bytes, same } from "./bytes.mjs";
import { freePorts, python, until } from "./program.mjs";

/** Uploads with tus-js-client; `change` may alter its options, `started` is told the upload. */
function upload(server, data, change = {}, started = () => {}) {
  return new Promise((resolve, reject) => {
    let asset = "";
    const made = new tus.Upload(data, {
      endpoint: `${server.url}/api/v1/upload/tus`,
      headers: { authorization: `Bearer ${server.key}` },
      metadata: { filename: "trip.mp4", title: "trip" },
      chunkSize: MIB,
      retryDelays: Array(200).fill(50),
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

/** `kill -9` at random moments while bytes are on their way, one in each MiB of the first ones. */
async function killed(server, { kills }) {
  const data = bytes((kills + 4) * MIB);
  let done = 0;
  let at = Math.random() * MIB;
  let ending = null;
  const end = async () => {
    await server.kill();
    done += 1;
    at = (done + Math.random()) * MIB;
    await server.run();
  };
  const onProgress = (sent) => {
    if (!ending && done < kills && sent >= at) ending = end().finally(() => { ending = null; });
  };
  const asset = await upload(server, data, { chunkSize: 2 * MIB, onProgress });
  await ending;
  await same(server, asset, data);
  if (done !== kills) throw new Error(`it was killed ${done} times`);
  return `${done} kills`;
}

/** Many companies have such a proxy in front: nginx as it comes takes bodies of 1 MiB. */
async function smallBodies(server) {
  const folder = await mkdtemp(join(tmpdir(), "streamgate-nginx-"));
  const [port] = await freePorts(1);
  await writeFile(join(folder, "nginx.conf"), `
    daemon off; master_process off; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server { listen 127.0.0.1:${port}; client_max_body_size 1m; location / { proxy_pass ${server.url}; proxy_set_header Host $http_host; } }
    }`);
  const nginx = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], { stdio: "ignore" });
  const gone = new Promise((resolve) => nginx.once("close", resolve));
  const url = `http://127.0.0.1:${port}`;
  try {
    await until("nginx", () => fetch(`${url}/healthz`).then((answer) => answer.ok, () => false));
    const data = bytes(5 * MIB + 5);
    const large = await fetch(`${url}/api/v1/upload?name=a.mp4`, { method: "POST", headers: { authorization: `Bearer ${server.key}` }, body: data });
    if (large.status !== 413) throw new Error(`the proxy takes more: ${large.status}`);
    await same(server, await upload({ url, key: server.key }, data), data);
  } finally {
    nginx.kill();
    await gone;
    await rm(folder, { recursive: true, force: true });
  }
}

async function tuspy(server) {
  const data = bytes(3 * MIB + 11);
  const file = join(server.data, "tuspy.bin");
  await writeFile(file, data);
  await same(server, await python("tuspy_upload.py", server.url, server.key, file), data);
}

export const TUS = { whole, pieces, withFirstBytes, parts, resumed, killed, smallBodies, tuspy };
