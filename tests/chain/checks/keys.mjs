// What opens at an edge: playback tokens by the keys that the origin tells, while they change; the key of an encrypted title, for nobody else.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { film } from "../media.mjs";
import { Origin } from "../program.mjs";
import { until } from "../wait.mjs";

const WITHIN_MS = 5_000;
/** Longer than a new key is told before it signs. */
const SIGNS_WITHIN_MS = 20_000;

const playable = (origin, id) => until("it plays", async () => (await origin.api("GET", `content/${id}`)).playable);

/** A new key is a line in a file: edges that were given none take it without a restart, and no token is refused meanwhile. */
export async function keysChanged({ chain, options }) {
  const origin = await Origin.start(options.binary, chain.url);
  const edges = [await origin.edge("", []), await origin.edge("", [])];
  try {
    const id = await origin.upload(film(), "title=film&visibility=gated");
    await playable(origin, id);
    const minted = async () => (await origin.api("POST", `content/${id}/token`, {})).token;
    const answers = (token) => Promise.all(edges.map((edge) => edge.get(`/p/${token}/v/${id}/master.m3u8`)));
    const open = async (token) => (await answers(token)).every(({ status }) => status === 200);
    const plays = async (token) => assert.deepEqual((await answers(token)).map(({ status, reason }) => `${status} ${reason}`), ["200 ", "200 "]);
    const first = await minted();
    await until("both edges were told the key", () => open(first), WITHIN_MS);

    const file = join(origin.data, "keys/token.key");
    const old = (await readFile(file, "utf8")).trim();
    const fresh = `ed25519-private:fresh:${randomBytes(32).toString("base64url")}`;
    const restart = async (text) => {
      await origin.kill();
      await writeFile(file, text);
      await origin.again();
    };
    await restart(`${fresh}\n${old}\n`);
    let [count, last] = [0, first];
    await until("the new key signs", async () => {
      last = await minted();
      await plays(last);
      await plays(first);
      count += 1;
      return Buffer.from(last, "base64url").includes("fresh");
    }, SIGNS_WITHIN_MS);
    assert.ok(count > 1, "the old key signed until the new one was told");

    await restart(`${fresh}\n`);
    await until("the old key opens nothing any more", async () => {
      await plays(last);
      return (await answers(first)).every(({ status, reason }) => status === 403 && reason === "token-key-unknown");
    }, WITHIN_MS);
    const named = execFileSync(options.binary, ["token", "key", "--config", join(origin.data, "origin.toml")], { encoding: "utf8" });
    assert.match(named, /^ed25519:fresh:\S+\n$/);
    return `${count} tokens meanwhile, none refused`;
  } finally {
    await Promise.all(edges.map((edge) => edge.kill()));
    await origin.end();
  }
}

/** The key of an encrypted title, asked for at two edges: each refusal has its reason, and nothing of it is kept for the next one who asks. */
export async function titleKeys({ origin }) {
  const edges = [await origin.edge(), await origin.edge()];
  try {
    const bytes = film();
    const [id, other] = [await origin.upload(bytes, "title=film&encryption=cbcs"), await origin.upload(bytes, "title=other")];
    for (const one of [id, other]) await playable(origin, one);
    const minted = async (title, more = {}) => (await origin.api("POST", `content/${title}/token`, more)).token;
    const [good, foreign, revoked, brief] = [await minted(id), await minted(other), await minted(id), await minted(id, { ttl_seconds: 1 })];
    const { items } = await origin.api("GET", `content/${id}/grants`);
    const cti = (token) => items.find((one) => Buffer.from(token, "base64url").includes(Buffer.from(one.id, "base64url")));
    await origin.api("DELETE", `content/${id}/grants/${cti(revoked).id}`);

    const ask = async (edge, token, headers = {}) => {
      const answer = await fetch(`${edge.url}${token ? `/p/${token}` : ""}/v/${id}/key`, { headers });
      const body = Buffer.from(await answer.arrayBuffer());
      const field = (name) => answer.headers.get(name) ?? "";
      return { status: answer.status, reason: field("streamgate-refusal"), kept: field("cache-control"), cache: field("cache-status"), body };
    };
    const shut = { "token-missing": undefined, "token-path": foreign, "token-revoked": revoked, "token-expired": brief, "token-signature": `${good.slice(0, -8)}AAAAAAAA` };
    for (const edge of edges) {
      for (const [reason, token] of Object.entries(shut)) {
        await until(`it is refused: ${reason}`, async () => (await ask(edge, token)).status !== 200, WITHIN_MS);
      }
      // Between two who may have it, so that what an edge kept of them would be seen.
      const keys = [];
      for (let round = 0; round < 2; round += 1) {
        const had = await ask(edge, good);
        assert.deepEqual([had.status, had.body.length], [200, 16]);
        assert.match(had.kept, /no-store/);
        assert.doesNotMatch(had.cache, /\bhit\b/);
        keys.push(had.body.toString("hex"));
        for (const [reason, token] of Object.entries(shut)) {
          for (const way of token ? [[token, {}], [undefined, { authorization: `Bearer ${token}` }]] : [[undefined, {}]]) {
            const got = await ask(edge, ...way);
            assert.deepEqual([got.status, got.reason], [403, reason]);
            assert.match(got.kept, /no-store/, reason);
            assert.doesNotMatch(got.cache, /\bhit\b/, reason);
            assert.ok(!got.body.includes(had.body), "a refusal is not the key");
          }
        }
      }
      assert.equal(keys[0], keys[1]);
    }
    return `${Object.keys(shut).length} reasons at ${edges.length} edges`;
  } finally {
    await Promise.all(edges.map((edge) => edge.kill()));
  }
}
