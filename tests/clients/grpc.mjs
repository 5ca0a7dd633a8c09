// gRPC by clients that are not ours: grpc-js with the committed protos, grpcurl with what reflection tells, and buf over the protos.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const HERE = dirname(fileURLToPath(import.meta.url));
const PROTO = join(HERE, "../../proto");
const HEALTH = join(HERE, "health.proto");

function load() {
  const files = ["auth", "content", "upload", "transcode", "streaming", "nft"].map((name) => `streamgate/v1/${name}.proto`);
  const read = loader.loadSync([...files, HEALTH], { includeDirs: [PROTO, HERE], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true });
  return grpc.loadPackageDefinition(read);
}

/** One call; its answer, or its error. */
function ask(client, method, request, metadata) {
  return new Promise((resolve, reject) => {
    client[method](request, metadata, { deadline: Date.now() + 30_000 }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function refused(asked, code, word) {
  const error = await asked.then(() => { throw new Error(`${word} was not refused`); }, (error) => error);
  if (error.code !== code || error.metadata.get("streamgate-code")[0] !== word) throw new Error(`${error.message}, not ${code} ${word}`);
}

function same(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

/** Sends a file in pieces, as fast as the server takes them. */
function upload(client, about, bytes, metadata) {
  return new Promise((resolve, reject) => {
    const call = client.Upload(metadata, (error, answer) => (error ? reject(error) : resolve(answer)));
    call.write({ about });
    let at = 0;
    const more = () => {
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + (256 << 10));
        at += piece.length;
        if (!call.write({ piece })) return call.once("drain", more);
      }
      call.end();
    };
    more();
  });
}

async function grpcJs(server) {
  const { streamgate: { v1 }, grpc: { health } } = load();
  const [address, plain] = [`127.0.0.1:${server.port}`, grpc.credentials.createInsecure()];
  const open = (service) => new service(address, plain);
  const [content, uploads, work, healths] = [v1.ContentService, v1.UploadService, v1.TranscodeService, health.v1.Health].map(open);
  const [key, nobody] = [new grpc.Metadata(), new grpc.Metadata()];
  key.set("authorization", `Bearer ${server.key}`);
  try {
    for (const service of ["", "streamgate.v1.ContentService", "streamgate.v1.TranscodeService"]) {
      same((await ask(healths, "Check", { service }, nobody)).status, "SERVING", service);
    }
    const missing = await ask(healths, "Check", { service: "nobody" }, nobody).catch((error) => error.code);
    same(missing, grpc.status.NOT_FOUND, "health of nobody");
    const bytes = Buffer.alloc((3 << 20) + 17, "no video, but bytes ");
    const { id } = await upload(uploads, { name: "a.mp4", title: "Ä & ö", tags: ["sea"] }, bytes, key);
    const got = (await ask(content, "GetContent", { id }, key)).content;
    same([got.title, got.bytes, got.tags, got.owner], ["Ä & ö", bytes.length, ["sea"], "admin"], "the asset");
    same(got.sha256, createHash("sha256").update(bytes).digest("hex"), "its bytes");
    const rest = await server.api("GET", `content/${id}`);
    same([rest.title, rest.version], [got.title, got.version], "REST says the same");
    const changed = await ask(content, "UpdateContent", { id, version: got.version, title: "B", tags: { words: ["x", "y"] } }, key);
    same([changed.content.title, changed.content.tags], ["B", ["x", "y"]], "changed");
    await refused(ask(content, "UpdateContent", { id, version: got.version, title: "C" }, key), grpc.status.ABORTED, "stale");
    await refused(ask(content, "GetContent", { id }, nobody), grpc.status.UNAUTHENTICATED, "api_key_missing");
    await refused(ask(content, "GetContent", { id: "nobody" }, key), grpc.status.NOT_FOUND, "unknown_asset");
    const told = await new Promise((resolve, reject) => {
      const states = [];
      const call = work.WatchTranscode({ id }, key, { deadline: Date.now() + 30_000 });
      call.on("data", ({ status }) => states.push(status));
      call.on("error", reject);
      call.on("end", () => resolve(states));
    });
    same([told.at(-1).state, Boolean(told.at(-1).error.code)], ["failed", true], "the last state");
    let pages = 0;
    for (let after = ""; pages === 0 || after; pages += 1) after = (await ask(content, "ListContent", { limit: 2, after }, key)).next;
    await ask(content, "DeleteContent", { id }, key);
    await ask(content, "RestoreContent", { id }, key);
    await ask(content, "DeleteContent", { id, purge: true }, key);
    await refused(ask(content, "GetContent", { id }, key), grpc.status.NOT_FOUND, "unknown_asset");
    return `${told.length} states, ${pages} pages`;
  } finally {
    for (const client of [content, uploads, work, healths]) client.close();
  }
}

/** A wallet signs in over gRPC, links another one, renews, and asks to watch. */
async function grpcSignIn(server) {
  const { streamgate: { v1 } } = load();
  const open = (service) => new service(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  const [auth, nft] = [v1.AuthService, v1.NftService].map(open);
  const [nobody, domain] = [new grpc.Metadata(), `127.0.0.1:${server.port}`];
  const [first, second] = [0, 1].map(() => privateKeyToAccount(generatePrivateKey()));
  const whom = (account) => ({ address: account.address, chain: "eip155:1", domain });
  try {
    const { challenge } = await ask(auth, "CreateChallenge", { whom: whom(first) }, nobody);
    const proof = { message: challenge.message, signature: await first.signMessage({ message: challenge.message }) };
    const { tokens, account } = await ask(auth, "Login", { proof }, nobody);
    await refused(ask(auth, "Login", { proof }, nobody), grpc.status.PERMISSION_DENIED, "signin_used");
    const key = new grpc.Metadata();
    key.set("authorization", `Bearer ${tokens.access_token}`);
    same((await ask(auth, "Verify", {}, key)).account, account.id, "whose token it is");
    const typed = await ask(auth, "CreateLinkChallenge", { whom: { ...whom(second), format: "eip712" } }, key);
    const { nonce, typed_data: data } = typed.challenge;
    const signature = await second.signTypedData(JSON.parse(data));
    const linked = await ask(auth, "LinkWallet", { proof: { ...whom(second), format: "eip712", nonce, signature } }, key);
    same(linked.items.map(({ address }) => address).sort(), [first.address, second.address].sort(), "wallets");
    const profile = await ask(auth, "GetProfile", {}, key);
    same([profile.id, profile.role, profile.wallets.length, profile.session], [account.id, "viewer", 2, tokens.session], "the profile");
    if (!profile.sessions[0].agent.includes("grpc-node-js")) throw new Error(`agent ${profile.sessions[0].agent}`);
    await ask(auth, "UnlinkWallet", { address: second.address }, key);
    const renewed = (await ask(auth, "Refresh", { refresh_token: tokens.refresh_token }, nobody)).tokens;
    await refused(ask(auth, "Refresh", { refresh_token: tokens.refresh_token }, nobody), grpc.status.UNAUTHENTICATED, "refresh_token_reused");
    key.set("authorization", `Bearer ${renewed.access_token}`);
    await refused(ask(auth, "Verify", {}, key), grpc.status.UNAUTHENTICATED, "session_ended");
    same((await ask(nft, "ListChains", {}, nobody)).chains, [], "no chain is configured");
    const uploaded = await fetch(`${server.url}/api/v1/upload?name=x.mp4&visibility=gated`, {
      method: "POST", headers: { authorization: `Bearer ${server.key}` }, body: "no video",
    });
    const { id } = await uploaded.json();
    const rule = { rule: { allow: [second.address] } };
    const put = await fetch(`${server.url}/api/v1/content/${id}/gating-rules`, {
      method: "PUT", headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" }, body: JSON.stringify(rule),
    });
    if (!put.ok) throw new Error(`the rule: ${await put.text()}`);
    const admin = new grpc.Metadata();
    admin.set("authorization", `Bearer ${server.key}`);
    await refused(ask(nft, "AskToWatch", { id }, admin), grpc.status.PERMISSION_DENIED, "rule_not_met");
  } finally {
    for (const client of [auth, nft]) client.close();
  }
}

/** Runs a program of `python/bin`; what it said and how it ended. */
async function run(program, args) {
  const env = { ...process.env, PYTHONPATH: join(HERE, "python"), BUF_CACHE_DIR: join(tmpdir(), "streamgate-buf") };
  const child = spawn(join(HERE, "python/bin", program), args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk) => { said += chunk; });
  child.stderr.on("data", (chunk) => { said += chunk; });
  const code = await new Promise((resolve, reject) => { child.once("error", reject); child.once("close", resolve); });
  return { code, said };
}

async function succeeds(program, ...args) {
  const { code, said } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${said}`);
  return said;
}

/** With nothing but the address: reflection names the services and their messages. */
async function grpcurl(server) {
  const at = ["-plaintext", "-max-time", "30"];
  const address = `127.0.0.1:${server.port}`;
  const services = (await succeeds("grpcurl", ...at, address, "list")).trim().split("\n");
  for (const name of ["AuthService", "ContentService", "NftService", "StreamingService", "TranscodeService", "UploadService"]) {
    if (!services.includes(`streamgate.v1.${name}`)) throw new Error(`reflection does not tell of ${name}: ${services}`);
  }
  for (const service of services) await succeeds("grpcurl", ...at, address, "describe", service);
  same(JSON.parse(await succeeds("grpcurl", ...at, address, "grpc.health.v1.Health/Check")), { status: "SERVING" }, "health");
  const key = ["-H", `authorization: Bearer ${server.key}`];
  const listed = JSON.parse(await succeeds("grpcurl", ...at, ...key, "-d", '{"limit": 1}', address, "streamgate.v1.ContentService/ListContent"));
  same(listed.items.length, 1, "one asset");
  const { code, said } = await run("grpcurl", [...at, address, "streamgate.v1.ContentService/ListContent"]);
  if (code === 0 || !said.includes("Unauthenticated")) throw new Error(`without a key: ${said}`);
  return `${services.length} services`;
}

/** The protos keep buf's rules, and whoever was built with the released ones still understands us. */
async function buf() {
  const released = join(PROTO, "released.json");
  await succeeds("buf", "lint", PROTO);
  await succeeds("buf", "breaking", PROTO, "--against", released);
  // That it would be found.
  const copy = await mkdtemp(join(tmpdir(), "streamgate-proto-"));
  try {
    await cp(PROTO, copy, { recursive: true });
    const file = join(copy, "streamgate/v1/content.proto");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("string title = 3;", "uint32 title = 3;"));
    const { code, said } = await run("buf", ["breaking", copy, "--against", released]);
    if (code === 0 || !said.includes("title")) throw new Error(`another type of a field is not found: ${said}`);
  } finally {
    await rm(copy, { recursive: true });
  }
}

export const GRPC = { grpcJs, grpcSignIn, grpcurl, buf };
