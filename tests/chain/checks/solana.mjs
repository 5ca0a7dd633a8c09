// Rules on Solana: who has what is let in, and nobody else; what nodes say wrongly lets nobody in; what is given away is stopped at an edge.

import assert from "node:assert/strict";
import { ClusterNode, TOKEN, TOKEN_2022 } from "../cluster.mjs";
import { film } from "../media.mjs";
import { Origin } from "../program.mjs";
import { SolanaViewer } from "../solana_viewer.mjs";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const CHAIN = "solana-localnet";
const WITHIN_MS = 5_000;
/** Somewhat more than `GRANT_LOOK_FIRST_MS` and a round of the clock. */
const FIRST_LOOK_MS = 4_500;
const TREES = 64;
const VIEWERS = 6;
const CROWD = 120;
/** One by one they would be 240. */
const TOGETHER_MAX = 30;
/** By whoever has a token by other checks. */
const OTHERS_MAX = 8;

const viewer = async (origin) => (await SolanaViewer.new(origin)).signIn();
const missing = (answer) => answer.body.missing[0];
const lets = (who, id, status = 201) => until(`${who.address} gets ${status}`, async () => (await who.watch(id)).status === status);

export async function solanaCoins({ origin, cluster, contracts }) {
  const [holder, other] = [await viewer(origin), await viewer(origin)];
  const stranger = await new Viewer(origin).signIn();
  for (const [standard, program] of [["spl", TOKEN], ["token2022", TOKEN_2022]]) {
    const mint = await cluster.mint(program, 6);
    const leaf = { chain: CHAIN, mint, min_units: "8", name: "Shells", link: "https://shells.example" };
    const id = await origin.titled({ [standard]: leaf });
    await cluster.give(program, mint, holder.address, 5n);
    await cluster.give(program, mint, other.address, 7n);
    const { name, link } = leaf;
    const told = { standard, chain: CHAIN, mint, amount: "8", name, link, wanted: true, why: "not-met" };
    const denied = await other.watch(id);
    assert.deepEqual([denied.status, denied.body.code, missing(denied)], [403, "rule_not_met", told]);
    assert.equal(missing(await stranger.watch(id)).why, "no-wallet", "an address of Ethereum has nothing here");
    assert.equal((await holder.watch(id)).status, 403, "5 of 8");
    await cluster.give(program, mint, holder.address, 3n, await cluster.otherPlace(program, mint, holder.address));
    await lets(holder, id);
    await cluster.freeze(program, mint, other.address);
    await origin.api("PUT", `content/${id}/gating-rules`, { rule: { [standard]: { ...leaf, min_units: "7" } } });
    await lets(other, id);
    await cluster.transfer(program, mint, holder.signer, cluster.payer.address, 2n);
    await lets(holder, id, 403);
    const asked = () => origin.api("GET", `nft?chain=${CHAIN}&contract=${mint}`, undefined, holder.token);
    await until("it says so", async () => (await asked()).wallets[0].amount === "6");
    const said = await asked();
    assert.deepEqual([said.standard, said.wallets], [standard, [{ wallet: holder.address, amount: "6" }]]);

    // What cannot be met is not written.
    const id2 = await origin.titled({ allow: [holder.address] });
    assert.equal((await holder.watch(id2)).status, 201, "a list names wallets of both kinds");
    assert.equal((await stranger.watch(id2)).status, 403);
    const another = standard === "spl" ? "token2022" : "spl";
    const place = await cluster.place(program, mint, holder.address);
    const core = { core: { chain: CHAIN, collection: mint, min_balance: "1" } };
    const metaplex = { metaplex: { chain: CHAIN, collection: mint, min_balance: "1" } };
    const evm = { erc721: { chain: CHAIN, contract: contracts.seals.address, min_balance: "1" } };
    const nowhere = { [standard]: { ...leaf, mint: holder.address } };
    for (const rule of [{ [another]: leaf }, { [standard]: { ...leaf, mint: place } }, nowhere, core, metaplex, evm, { [standard]: { ...leaf, chain: "anvil" } }]) {
      const { status, body } = await origin.ask("PUT", `content/${id2}/gating-rules`, { rule });
      assert.deepEqual([status, body.code], [422, "bad_rule"], JSON.stringify(rule));
    }
  }
}

export async function solanaCollections({ origin, cluster }) {
  const [holder, other] = [await viewer(origin), await viewer(origin)];
  const [seals, foreign] = [await cluster.mint(TOKEN), await cluster.mint(TOKEN)];
  for (const mint of [seals, foreign]) await cluster.describe(mint);
  const id = await origin.titled({ metaplex: { chain: CHAIN, collection: seals, min_balance: "2" } });
  const first = await cluster.nft(holder.address, seals);
  await cluster.nft(holder.address, foreign);
  const unconfirmed = await cluster.nft(holder.address, seals, false);
  const denied = await holder.watch(id);
  assert.deepEqual([denied.status, missing(denied).standard, missing(denied).collection, missing(denied).amount], [403, "metaplex", seals, "2"]);
  await cluster.describe(unconfirmed, seals, true);
  await lets(holder, id);
  await cluster.describe(unconfirmed, seals, true, 2);
  await lets(holder, id, 403);
  await cluster.nft(holder.address, seals, true, TOKEN_2022);
  await lets(holder, id);
  await cluster.transfer(TOKEN, first, holder.signer, other.address, 1n);
  await lets(holder, id, 403);

  const crew = await cluster.collection();
  const asset = await cluster.asset(other.address, crew);
  await cluster.asset(holder.address, await cluster.collection());
  await cluster.asset(holder.address, crew, undefined, "Address");
  const core = await origin.titled({ core: { chain: CHAIN, collection: crew, min_balance: "1" } });
  await lets(other, core);
  assert.equal(missing(await holder.watch(core)).standard, "core");
  await cluster.asset(holder.address, crew, asset);
  await lets(other, core, 403);
  await lets(holder, core);
  await cluster.gone(asset);
  await lets(holder, core, 403);
}

/** What a node may say wrongly about a wallet that has enough: nobody is let in by it, and the right answer lets in again. */
export async function solanaLies({ origin, cluster }) {
  const [holder, other] = [await viewer(origin), await viewer(origin)];
  const [mint, foreign] = [await cluster.mint(TOKEN), await cluster.mint(TOKEN)];
  await cluster.give(TOKEN, mint, holder.address, 5n);
  await cluster.give(TOKEN, mint, other.address, 5n);
  await cluster.give(TOKEN, foreign, holder.address, 5n);
  const id = await origin.titled({ spl: { chain: CHAIN, mint, min_units: "5" } });
  await lets(holder, id);
  const BOTH = ["getTokenAccountsByOwner", "getMultipleAccounts"];
  const account = (change) => (method, params, result) => {
    if (!BOTH.includes(method)) return undefined;
    for (const row of result.value) if (row) change(row.account ?? row);
    return result;
  };
  const data = (change) => account((row) => { row.data[0] = change(Buffer.from(row.data[0], "base64")).toString("base64"); });
  const patched = (bytes, at) => data((was) => { Buffer.from(bytes).copy(was, at); return was; });
  const of = (address, at) => cluster.answer("getTokenAccountsByOwner", [address, { mint: at }, {}]).value[0];
  /** Of all that the wallet has; at the place where it is expected there is what stands first in it. */
  const all = (row) => (method, params, result) => {
    if (!BOTH.includes(method)) return undefined;
    if (method === BOTH[0]) return { ...result, value: row(result.value) };
    const first = (was) => (was && row([{ account: was }])?.[0]?.account) ?? null;
    return { ...result, value: result.value.map(first) };
  };
  /** Nothing where it is expected. */
  const inAll = (row) => (method, ...more) => all(method === BOTH[0] ? row : () => null)(method, ...more);
  const said = (what) => (method, params, result) => (BOTH.includes(method) ? what(params.at(-1), result) : undefined);
  const lies = {
    "of another program": account((row) => { row.owner = TOKEN_2022; }),
    "of a program that nobody knows": account((row) => { row.owner = mint; }),
    "cut": data((was) => was.subarray(0, 164)),
    "a byte too many": data((was) => Buffer.concat([was, Buffer.alloc(1)])),
    "zeros by the megabyte": data(() => Buffer.alloc(1 << 20)),
    "empty": data(() => Buffer.alloc(0)),
    "not made": patched([0], 108),
    "in no such state": patched([3], 108),
    "of another wallet": all(() => [of(other.address, mint)]),
    "of another mint": all(() => [of(holder.address, foreign)]),
    "twice the same": inAll((rows) => [rows[0], rows[0]]),
    "more than there can be": inAll((rows) => {
      const full = Buffer.from(rows[0].account.data[0], "base64");
      full.writeBigUInt64LE(0xffffffffffffffffn, 64);
      const row = (pubkey) => ({ pubkey, account: { ...rows[0].account, data: [full.toString("base64"), "base64"] } });
      return [row(mint), row(foreign)];
    }),
    "no base64": account((row) => { row.data[0] = "!!!!"; }),
    "another encoding": account((row) => { row.data[1] = "base58"; }),
    "parsed": account((row) => { row.data = { parsed: { info: { tokenAmount: { amount: "5" } } } }; }),
    "of a slot before": said((options, result) => ({ ...result, context: { slot: options.minContextSlot - 1 } })),
    "of no slot": said((options, result) => ({ value: result.value })),
    "null": said(() => null),
    "no list": all(() => null),
    "5 MiB": said(() => " ".repeat(5 << 20)),
    "a clock that goes back": (method, params, result) => {
      if (method !== "getAccountInfo") return undefined;
      const clock = Buffer.from(result.value.data[0], "base64");
      clock.writeBigUInt64LE(clock.readBigUInt64LE() - 1_000n);
      return { context: { slot: result.context.slot - 1_000 }, value: { ...result.value, data: [clock.toString("base64"), "base64"] } };
    },
    "a clock of another program": (method, params, result) => (method === "getAccountInfo" ? { ...result, value: { ...result.value, owner: TOKEN } } : undefined),
    "no clock": (method, params, result) => (method === "getAccountInfo" ? { ...result, value: null } : undefined),
  };
  for (const [why, lie] of Object.entries(lies)) {
    cluster.node.lie = lie;
    // What was read before may be kept for as long as a slot is taken for the last one.
    const refused = await until(why, async () => { const { status, body } = await holder.watch(id); return status === 201 ? null : [status, body.code]; });
    assert.ok(["503 chain_not_read", "403 rule_not_met"].includes(refused.join(" ")), `${why}: ${refused}`);
    for (let n = 0; n < 3; n += 1) assert.notEqual((await holder.watch(id)).status, 201, why);
    cluster.node.lie = () => undefined;
    await lets(holder, id);
  }
  return `${Object.keys(lies).length} lies`;
}

/** Numbers below `n` that are the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

export async function solanaTrees({ origin, cluster }) {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const pick = random(seed);
  const viewers = [];
  for (let n = 0; n < VIEWERS; n += 1) viewers.push(await viewer(origin));
  const coins = [[TOKEN, await cluster.mint(TOKEN)], [TOKEN_2022, await cluster.mint(TOKEN_2022)]];
  const [seals, crew] = [await cluster.mint(TOKEN), await cluster.collection()];
  await cluster.describe(seals);
  for (const { address } of viewers) {
    for (const [program, mint] of coins) {
      if (pick(2)) await cluster.give(program, mint, address, BigInt(1 + pick(1000)));
      if (pick(3) === 0) await cluster.give(program, mint, address, BigInt(1 + pick(1000)), await cluster.otherPlace(program, mint, address));
    }
    for (let n = pick(3); n > 0; n -= 1) await cluster.nft(address, seals, pick(3) > 0);
    for (let n = pick(3); n > 0; n -= 1) await cluster.asset(address, crew);
  }
  const some = () => viewers.filter(() => pick(2)).map((one) => one.address).concat(crew);
  const leaves = [
    () => ({ spl: { chain: CHAIN, mint: coins[0][1], min_units: String(1 + pick(1000)) } }),
    () => ({ token2022: { chain: CHAIN, mint: coins[1][1], min_units: String(1 + pick(1000)) } }),
    () => ({ metaplex: { chain: CHAIN, collection: seals, min_balance: String(1 + pick(2)) } }),
    () => ({ core: { chain: CHAIN, collection: crew, min_balance: String(1 + pick(2)) } }),
    () => ({ allow: some() }),
    () => ({ deny: some() }),
  ];
  const tree = (depth) => {
    const kind = depth > 3 ? 9 : pick(10);
    if (kind < 2) return { all: Array.from({ length: 1 + pick(3) }, () => tree(depth + 1)) };
    if (kind < 5) return { any: Array.from({ length: 1 + pick(3) }, () => tree(depth + 1)) };
    if (kind < 6) return { not: tree(depth + 1) };
    return leaves[pick(leaves.length)]();
  };
  // The oracle reads the machine itself, by what was given and by the official readers.
  const { fetchAllOf, assetsOf } = cluster.oracle();
  const oracle = async (node, who) => {
    const [[kind, said]] = Object.entries(node);
    const each = (nodes) => Promise.all(nodes.map((one) => oracle(one, who)));
    switch (kind) {
      case "all": return (await each(said)).every(Boolean);
      case "any": return (await each(said)).some(Boolean);
      case "not": return !(await oracle(said, who));
      case "spl": case "token2022": {
        const all = fetchAllOf(kind === "spl" ? TOKEN : TOKEN_2022, who).filter((one) => one.mint === said.mint);
        return all.reduce((sum, one) => sum + one.amount, 0n) >= BigInt(said.min_units);
      }
      case "metaplex": {
        const mints = [TOKEN, TOKEN_2022].flatMap((program) => fetchAllOf(program, who)).filter((one) => one.amount > 0n);
        const told = await Promise.all(mints.map((one) => cluster.collectionOf(one.mint)));
        return told.filter((one) => one === said.collection).length >= Number(said.min_balance);
      }
      case "core": return assetsOf(who).filter((one) => one === said.collection).length >= Number(said.min_balance);
      case "allow": return said.includes(who);
      case "deny": return !said.includes(who);
      default: throw new Error(kind);
    }
  };
  let open = 0;
  for (let n = 0; n < TREES; n += 1) {
    const rule = { all: [{ any: [tree(0), tree(1)] }] };
    const id = await origin.titled(rule);
    for (const one of viewers) {
      const [wanted, got] = [await oracle(rule, one.address), await one.watch(id)];
      const where = `seed ${seed}, tree ${n}, ${one.address}: ${JSON.stringify(rule)} ${JSON.stringify(got.body)}`;
      assert.equal(got.status, wanted ? 201 : 403, where);
      if (!wanted) assert.ok(got.body.missing.length > 0, where);
      open += wanted;
    }
  }
  assert.ok(open > TREES && open < TREES * (VIEWERS - 1), `seed ${seed}: ${open} open, this shows nothing`);
  return `${TREES} rules, ${open} of ${TREES * VIEWERS} let in, seed ${seed}`;
}

/**
 * What is given away is refused at both edges within five seconds, and plays again when it comes back; what was given away while the origin was
 * away is refused once it is there.
 */
export async function solanaTransferred({ origin, cluster }) {
  const edges = [await origin.edge(), await origin.edge()];
  try {
    const id = await origin.upload(film(), "title=film");
    const mint = await cluster.mint(TOKEN);
    const [seals, crew] = [await cluster.mint(TOKEN), await cluster.collection()];
    await cluster.describe(seals);
    const rule = { any: [
      { spl: { chain: CHAIN, mint, min_units: "2" } },
      { metaplex: { chain: CHAIN, collection: seals, min_balance: "1" } },
      { core: { chain: CHAIN, collection: crew, min_balance: "1" } },
    ] };
    await origin.api("PUT", `content/${id}/gating-rules`, { rule });
    await until("it plays", async () => (await origin.api("GET", `content/${id}`)).playable);
    /** Until both edges answer so; how long that took. */
    const plays = async (one, status, reason = "") => {
      const since = performance.now();
      await until(`it is ${status}`, async () => {
        const got = await Promise.all(edges.map((edge) => edge.get(one.playlist)));
        return got.every((answer) => answer.status === status && answer.reason === reason);
      }, WITHIN_MS);
      return Math.round(performance.now() - since);
    };
    const has = async (gives) => {
      const one = await viewer(origin);
      one.given = await gives(one);
      await until("let in", async () => {
        const { status, body } = await one.watch(id);
        one.playlist = body.playback?.hls;
        return status === 201;
      });
      await plays(one, 200);
      return one;
    };
    const stays = await has((one) => cluster.give(TOKEN, mint, one.address, 2n));
    const nft = (one) => cluster.nft(one.address, seals);
    const sold = {
      spl: [await has((one) => cluster.give(TOKEN, mint, one.address, 2n)), (one) => cluster.transfer(TOKEN, mint, one.signer, stays.address, 1n)],
      nft: [await has(nft), (one) => cluster.transfer(TOKEN, one.given, one.signer, stays.address, 1n)],
      unconfirmed: [await has(nft), (one) => cluster.describe(one.given, seals, false)],
      core: [await has((one) => cluster.asset(one.address, crew)), (one) => cluster.asset(stays.address, crew, one.given)],
    };
    const later = await has((one) => cluster.give(TOKEN, mint, one.address, 2n));
    // Each was decided about by the clock for the last time for five minutes: from now on it is the accounts that tell.
    const begun = performance.now();
    await until("the first look is over", () => performance.now() - begun > FIRST_LOOK_MS);
    const said = [];
    for (const [what, [one, takes]] of Object.entries(sold)) {
      await takes(one);
      said.push(`${what} ${await plays(one, 403, "token-revoked")}`);
    }
    await cluster.give(TOKEN, mint, sold.spl[0].address, 1n);
    const back = await plays(sold.spl[0], 200);

    await origin.kill();
    await cluster.transfer(TOKEN, mint, later.signer, stays.address, 1n);
    await origin.again();
    const missed = await plays(later, 403, "token-revoked");
    await plays(stays, 200);
    return `ms: ${said.join(", ")}; given back after ${back}; sold while the origin was away: ${missed} after its start`;
  } finally {
    await Promise.all(edges.map((edge) => edge.kill()));
  }
}

/** A rule may want something on both kinds of chains, of the wallets that proved themselves to one account. */
export async function solanaTogether({ chain, origin, cluster, contracts }) {
  const both = await new Viewer(origin).signIn();
  const alone = await new Viewer(origin).signIn();
  const mint = await cluster.mint(TOKEN);
  const rule = { all: [{ erc721: { chain: "anvil", contract: contracts.seals.address, min_balance: "1" } }, { spl: { chain: CHAIN, mint, min_units: "1" } }] };
  const id = await origin.titled(rule);
  for (const [n, one] of [both, alone].entries()) await chain.mined(contracts.seals.write.mint([one.address, 71_000n + BigInt(n)]));
  const wallet = await SolanaViewer.new(origin);
  await cluster.give(TOKEN, mint, wallet.address, 1n);
  const whys = async (one) => (await one.watch(id)).body.missing.map(({ standard, why }) => `${standard} ${why}`);
  await until("one half is missing", async () => (await whys(both)).join() === "spl no-wallet");
  assert.equal((await wallet.link(both.token)).status, 200);
  await lets(both, id);
  assert.deepEqual(await whys(alone), ["spl no-wallet"], "it is nobody else's");
  assert.deepEqual(await whys(await viewer(origin)), ["erc721 no-wallet", "spl not-met"]);
}

/**
 * Many at once, each several times: those who have what is asked for are a hundred with one question at each of the two states; who has it elsewhere
 * than where it is expected, or not at all, is asked about alone, once at each. Each gets its own answer.
 */
export async function solanaStorm({ chain, cluster, options }) {
  // Of their own, so that nobody else is looked at meanwhile.
  const node = await ClusterNode.start(cluster);
  let origin;
  try {
    origin = await Origin.start(options.binary, chain.url, "", "", { rpc: [node.url] });
    return await crowd(origin, cluster, node);
  } finally {
    await origin?.end();
    await node.end();
  }
}

async function crowd(origin, cluster, node) {
  const viewers = await Promise.all(Array.from({ length: CROWD }, () => viewer(origin)));
  const mint = await cluster.mint(TOKEN);
  const isPoor = (n) => n % 10 === 9;
  const isOdd = (n) => n % 10 === 4;
  const alone = viewers.filter((_, n) => isPoor(n) || isOdd(n)).length;
  for (const [n, { address }] of viewers.entries()) {
    if (isPoor(n)) continue;
    await cluster.give(TOKEN, mint, address, 1n, isOdd(n) ? await cluster.otherPlace(TOKEN, mint, address) : undefined);
  }
  const id = await origin.titled({ spl: { chain: CHAIN, mint, min_units: "1" } });
  await lets(viewers[0], id);
  cluster.stands = true;
  try {
    await until("the server has seen the slot", async () => {
      const { chains } = await origin.api("GET", "web3/rpc-status");
      return chains.find(({ name }) => name === CHAIN).settled.number === Number(cluster.slot);
    });
    const methods = ["getTokenAccountsByOwner", "getMultipleAccounts"];
    const counts = () => methods.map((method) => node.asked[method] ?? 0);
    const before = counts();
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 4 }, () => viewers.map((one) => one.watch(id))).flat());
    const took = Math.round(performance.now() - begun);
    const [each, together] = counts().map((count, n) => count - before[n]);
    assert.deepEqual(answers.map(({ status }) => status), Array.from({ length: 4 }, () => viewers.map((_, n) => (isPoor(n) ? 403 : 201))).flat());
    // Whoever has a token is looked at meanwhile, twice a second.
    assert.ok(together <= TOGETHER_MAX && each <= 2 * alone + OTHERS_MAX, `${together} questions about all, ${each} about ${alone} of ${CROWD} wallets`);
    return `${answers.length} answers to ${CROWD} wallets in ${took} ms: ${together} questions about all, ${each} about ${alone} of them`;
  } finally {
    cluster.stands = false;
  }
}
