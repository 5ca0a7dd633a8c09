// Playback tokens and @eyevinn/cat: what we mint it accepts, what it mints plays at an edge, and what is no such token opens nothing there.

import { execFileSync } from "node:child_process";
import { createECDH, createHmac, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CAT, CommonAccessToken } from "@eyevinn/cat";
import { Encoder, Tag } from "cbor-x";
import { film } from "../chain/media.mjs";
import { Edge, gated } from "./edge.mjs";

const cbor = new Encoder({ mapsAsObjects: false, useRecords: false });
const now = () => Math.floor(Date.now() / 1000);
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

function is(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

/** An edge in front of `server` that knows a key of each algorithm, and what they open. */
class Gate {
  static async open(server) {
    const gate = new Gate();
    gate.server = server;
    gate.folder = await mkdtemp(join(tmpdir(), "streamgate-tokens-"));
    gate.secret = randomBytes(32);
    const pair = createECDH("prime256v1");
    const point = pair.generateKeys();
    gate.signer = { kid: "es", d: pair.getPrivateKey(), x: point.subarray(1, 33), y: point.subarray(33) };
    const scalar = Buffer.concat([Buffer.alloc(32), gate.signer.d]).subarray(-32);
    const keys = [await gate.keep("hs", `hs256-secret:hs:${base64url(gate.secret)}`), await gate.keep("es", `es256-private:es:${base64url(scalar)}`)];
    gate.edge = await Edge.start(server, `trusted_proxies = ["127.0.0.0/8"]\ntrusted_field = "x-forwarded-for"\n`, keys);
    gate.asset = await gated(server, film());
    gate.path = `/v/${gate.asset}/master.m3u8`;
    return gate;
  }

  /** A folder with this signing key, as an origin keeps it; answers what an edge checks with. */
  async keep(name, text) {
    const data = join(this.folder, name);
    await mkdir(join(data, "keys"), { recursive: true });
    await writeFile(join(data, "keys/token.key"), `${text}\n`, { mode: 0o600 });
    await writeFile(join(this.folder, `${name}.toml`), `[storage]\ndata = ${JSON.stringify(data)}\n`);
    return this.program("token", "key", "--config", join(this.folder, `${name}.toml`));
  }

  program(...args) {
    return execFileSync(this.server.binary, args, { encoding: "utf8" }).trim();
  }

  ours(name, ...more) {
    return this.program("token", "mint", this.asset, "--config", join(this.folder, `${name}.toml`), ...more);
  }

  async opens(token, what, headers) {
    const answer = await this.edge.ask(`/p/${token}${this.path}`, headers);
    is([answer.status, answer.body.startsWith("#EXTM3U")], [200, true], what);
  }

  /** Refused for this reason, by each way that a token comes, with a problem document that nobody keeps. */
  async refuses(token, reason, what, headers = {}) {
    const ways = [[`/p/${token}${this.path}`, headers], [this.path, { ...headers, authorization: `Bearer ${token}` }], [this.path, { ...headers, cookie: `streamgate=${token}` }]];
    for (const [path, fields] of ways) this.isRefusal(await this.edge.ask(path, fields), 403, reason, what);
  }

  isRefusal(answer, status, reason, what) {
    const { code } = answer.body ? JSON.parse(answer.body) : {};
    is([answer.status, answer.headers["streamgate-refusal"], code, answer.headers["cache-control"], answer.headers["content-type"]],
      [status, reason, reason, "no-store", "application/problem+json"], what);
  }

  async close() {
    await this.edge.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Claims as @eyevinn/cat takes them. */
const dict = (gate, more = {}) => ({ iss: "peer", aud: ["x", "streamgate"], exp: now() + 600, iat: now(), cti: "0b71", catu: { path: { "prefix-match": `/v/${gate.asset}/` } }, ...more });

async function theirsBySignature(gate, claims, key = gate.signer) {
  const generator = new CAT({ keys: { hs: gate.secret } });
  // The library's own way from words to claims, and then its signature.
  const token = await generator.generateFromJson(claims, { type: "mac", alg: "HS256", kid: "hs" });
  const parsed = new CommonAccessToken({});
  await parsed.parse(Buffer.from(token, "base64url"), { k: gate.secret, kid: "hs" });
  const cat = new CommonAccessToken(parsed.payload);
  await cat.sign(key, "ES256");
  return base64url(cat.raw);
}

/** A COSE message by hand, to be as wrong as wanted. */
function macced(gate, payload, { alg = 5, kid = "hs", secret = gate.secret, tag = 17, context = "MAC0" } = {}) {
  const header = cbor.encode(new Map([[1, alg], [4, Buffer.from(kid)]]));
  const mac = createHmac("sha256", secret).update(cbor.encode([context, header, Buffer.alloc(0), payload])).digest();
  return base64url(cbor.encode(new Tag(new Tag([header, new Map(), payload, mac], tag), 61)));
}

const claims = (gate, more = []) => new Map([[4, now() + 600], [312, new Map([[3, new Map([[1, `/v/${gate.asset}/`]])]])], ...more]);

/** Ours are accepted, and theirs play. */
async function both(gate) {
  const url = new URL(`http://edge${gate.path}`);
  const acceptable = { issuer: "streamgate", audience: ["streamgate"], url };
  for (const expectCwtTag of [true, false]) {
    const validator = new CAT({ keys: { hs: gate.secret }, expectCwtTag });
    const token = gate.ours("hs", "--subject", "0xabc");
    const { cat, error } = await validator.validate(token, "mac", { kid: "hs", ...acceptable });
    is([error?.message, cat?.claims.sub], [undefined, "0xabc"], "our HS256");
    await gate.opens(token, "our HS256 at the edge");
    const elsewhere = await validator.validate(token, "mac", { kid: "hs", ...acceptable, url: new URL("http://edge/v/other/master.m3u8") });
    is(elsewhere.error?.constructor.name, "UriNotAllowedError", "our HS256 elsewhere");
    const theirs = await validator.generateFromJson(dict(gate), { type: "mac", alg: "HS256", kid: "hs" });
    await gate.opens(theirs, `their HS256, CWT tag ${expectCwtTag}`);
  }
  const token = gate.ours("es", "--subject", "0xabc");
  const read = await new CommonAccessToken({}).verify(Buffer.from(token, "base64url"), gate.signer);
  is([await read.isAcceptable(acceptable), read.claims.sub], [true, "0xabc"], "our ES256");
  await gate.opens(token, "our ES256 at the edge");
  await gate.opens(await theirsBySignature(gate, dict(gate)), "their ES256");
  const networks = dict(gate, { catnip: ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"] });
  for (const theirs of [await theirsBySignature(gate, networks), await new CAT({ keys: { hs: gate.secret }, expectCwtTag: true }).generateFromJson(networks, { type: "mac", alg: "HS256", kid: "hs" })]) {
    for (const from of ["192.0.2.9", "2001:db8::7", "198.51.100.7"]) await gate.opens(theirs, `their networks, ${from}`, { "x-forwarded-for": from });
    for (const from of ["192.0.3.9", "2001:db9::7", "198.51.100.8"]) await gate.refuses(theirs, "token-network", `their networks, ${from}`, { "x-forwarded-for": from });
  }
}

/** What is no such token, of both algorithms. */
async function refused(gate) {
  const hs = new CAT({ keys: { hs: gate.secret }, expectCwtTag: true });
  const stranger = new CAT({ keys: { hs: randomBytes(32) }, expectCwtTag: true });
  const mac = { type: "mac", alg: "HS256", kid: "hs" };
  const other = createECDH("prime256v1");
  other.generateKeys();
  const forms = [
    (change) => hs.generateFromJson(dict(gate, change), mac),
    (change) => theirsBySignature(gate, dict(gate, change)),
  ];
  let vectors = 0;
  const refuse = async (token, reason, what, headers) => {
    vectors += 1;
    await gate.refuses(token, reason, what, headers);
  };
  await refuse(await stranger.generateFromJson(dict(gate), mac), "token-signature", "another's HS256 key");
  await refuse(await theirsBySignature(gate, dict(gate), { ...gate.signer, d: other.getPrivateKey() }), "token-signature", "another's ES256 key");
  await refuse(await theirsBySignature(gate, dict(gate), { ...gate.signer, kid: "nobody" }), "token-key-unknown", "a key that nobody knows");
  for (const form of forms) {
    await refuse(await form({ exp: now() - 1 }), "token-expired", "expired");
    await refuse(await form({ nbf: now() + 60 }), "token-not-yet", "not yet");
    await refuse(await form({ catu: { path: { "prefix-match": "/v/other/" } } }), "token-path", "another title");
    await refuse(await form({ catu: { path: { "prefix-match": `/v/${gate.asset.slice(0, -1)}` } } }), "token-path", "half a title's name");
    await refuse(await form({ catu: { path: { "suffix-match": "master.m3u8" } } }), "token-claim-unknown", "another match");
    await refuse(await form({ catu: { host: { "exact-match": "edge" }, path: { "prefix-match": `/v/${gate.asset}/` } } }), "token-claim-unknown", "a host");
    await refuse(await form({ aud: "somebody" }), "token-audience", "for somebody else");
    await refuse(await form({ catm: ["GET"] }), "token-claim-unknown", "methods");
    await refuse(await form({ catif: { exp: [307, {}, "hs"] } }), "token-claim-unknown", "catif");
    await refuse(await form({ catreplay: 1 }), "token-claim-unknown", "only once");
    await refuse(await form({ catnip: [64496] }), "token-claim-unknown", "an autonomous system");
    await refuse(await form({ catgeoiso3166: ["SE"] }), "token-country", "a country, and no file of them");
    await refuse(await form({ catv: 2 }), "token-malformed", "another version");
  }
  const payload = cbor.encode(claims(gate));
  await gate.opens(macced(gate, payload), "the good one by hand");
  // A reader that believes the header would take the public point for a secret.
  const point = Buffer.concat([Buffer.from([2 + (gate.signer.y[31] & 1)]), gate.signer.x]);
  for (const [alg, tag, secret] of [[5, 17, point], [5, 17, gate.secret], [-7, 18, point]]) {
    await refuse(macced(gate, payload, { kid: "es", alg, tag, secret }), alg === 5 ? "token-key-unknown" : "token-signature", `algorithm ${alg} with the ES256 key`);
  }
  for (const alg of [-7, -8, 4, 0]) await refuse(macced(gate, payload, { alg }), "token-key-unknown", `algorithm ${alg} with the HS256 key`);
  await refuse(macced(gate, payload, { tag: 18 }), "token-key-unknown", "another tag");
  for (const label of [9999, -70000, "crit"]) await refuse(macced(gate, cbor.encode(claims(gate, [[label, 1]]))), "token-claim-unknown", `claim ${label}`);
  await refuse(macced(gate, cbor.encode(new Map([[4, now() + 600]]))), "token-malformed", "no path");
  await refuse(macced(gate, cbor.encode(new Map([[312, claims(gate).get(312)]]))), "token-malformed", "no end");
  let deep = cbor.encode(1);
  for (let depth = 0; depth < 900; depth += 1) deep = Buffer.concat([Buffer.from([0x81]), deep]);
  await refuse(base64url(deep), "token-malformed", "deep nesting outside");
  for (const [label, reason] of [[3, "token-malformed"], [311, "token-claim-unknown"], [312, "token-malformed"], [9999, "token-claim-unknown"]]) {
    const nested = Buffer.concat([Buffer.from([0xa2, 0x04]), cbor.encode(now() + 600), cbor.encode(label), deep]);
    await refuse(macced(gate, nested), reason, `deep nesting in claim ${label}`);
  }
  const good = Buffer.from(macced(gate, payload), "base64url");
  for (let length = 1; length < good.length; length += 1) {
    const answer = await gate.edge.ask(gate.path, { authorization: `Bearer ${base64url(good.subarray(0, length))}` });
    gate.isRefusal(answer, 403, "token-malformed", `${length} of ${good.length} bytes`);
    vectors += 1;
  }
  const token = base64url(good);
  const paths = { "target-traversal": ["../other/master.m3u8", "x/../master.m3u8", "%2e%2e/other/master.m3u8", "%2E./other/master.m3u8", "./master.m3u8"], "target-encoded-slash": ["..%2fother/master.m3u8", "%2fmaster.m3u8", "..%5cother", "a%00b"] };
  for (const [reason, tails] of Object.entries(paths)) {
    for (const tail of tails) {
      gate.isRefusal(await gate.edge.ask(`/p/${token}/v/${gate.asset}/${tail}`), 400, reason, tail);
      vectors += 1;
    }
  }
  // Below the title's prefix, and the name of nothing.
  is((await gate.edge.ask(`/p/${token}/v/${gate.asset}//master.m3u8`)).status, 404, "an empty segment");
  gate.isRefusal(await gate.edge.ask(gate.path), 403, "token-missing", "no token");
  await gate.opens(token, "the good one after all that");
  return vectors;
}

async function eyevinnCat(server) {
  const gate = await Gate.open(server);
  try {
    await both(gate);
    return `${await refused(gate)} refused`;
  } finally {
    await gate.close();
  }
}

export const TOKENS = { eyevinnCat };
