// Sixty-four random rules, each for wallets of all kinds: the server lets in exactly whom an oracle lets in, which reads the chain by
// viem and knows two values.

import assert from "node:assert/strict";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const TREES = 64;
const VIEWERS = 6;

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

export async function trees({ chain, origin, contracts }) {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const pick = random(seed);
  const { seals, crew, coin } = contracts;
  const viewers = [];
  for (let n = 0; n < VIEWERS; n += 1) viewers.push(await new Viewer(origin).signIn());
  const stranger = "0x00000000000000000000000000000000000000ff";
  for (const { address } of viewers) {
    for (let id = 0n; id < 3n; id += 1n) {
      if (pick(2)) await chain.mined(crew.write.mint([address, id, BigInt(1 + pick(3))]));
    }
    if (pick(2)) await chain.mined(seals.write.mint([address, BigInt(1000 + viewers.findIndex((v) => v.address === address))]));
    if (pick(2)) await chain.mined(coin.write.mint([address, BigInt(1 + pick(1000))]));
  }
  const on = (contract) => ({ chain: "anvil", contract: contract.address });
  const some = () => viewers.filter(() => pick(2)).map((viewer) => viewer.address).concat(stranger);

  const leaves = [
    () => ({ erc721: { ...on(seals), min_balance: String(1 + pick(2)) } }),
    () => ({ erc721: { ...on(seals), token_ids: [...new Set([1000 + pick(VIEWERS), 1000 + pick(VIEWERS), 4000])].map(String) } }),
    () => ({ erc1155: { ...on(crew), id: String(pick(4)), min_balance: String(1 + pick(3)) } }),
    () => ({ erc20: { ...on(coin), min_units: String(1 + pick(1000)) } }),
    () => ({ allow: some() }),
    () => ({ deny: some() }),
    () => ({ valid: pick(2) ? { until_ms: Date.now() + 3_600_000 } : { from_ms: Date.now() + 3_600_000 } }),
  ];
  const tree = (depth) => {
    const kind = depth > 3 ? 9 : pick(10);
    if (kind < 2) return { all: Array.from({ length: 1 + pick(3) }, () => tree(depth + 1)) };
    if (kind < 5) return { any: Array.from({ length: 1 + pick(3) }, () => tree(depth + 1)) };
    if (kind < 6) return { not: tree(depth + 1) };
    return leaves[pick(leaves.length)]();
  };

  const owner = (id) => seals.read.ownerOf([BigInt(id)]).catch(() => null);
  const oracle = async (node, who) => {
    const [[kind, said]] = Object.entries(node);
    const each = (nodes) => Promise.all(nodes.map((one) => oracle(one, who)));
    switch (kind) {
      case "all": return (await each(said)).every(Boolean);
      case "any": return (await each(said)).some(Boolean);
      case "not": return !(await oracle(said, who));
      case "erc721": return said.token_ids
        ? (await Promise.all(said.token_ids.map(owner))).includes(who)
        : (await seals.read.balanceOf([who])) >= BigInt(said.min_balance);
      case "erc1155": return (await crew.read.balanceOf([who, BigInt(said.id)])) >= BigInt(said.min_balance);
      case "erc20": return (await coin.read.balanceOf([who])) >= BigInt(said.min_units);
      case "allow": return said.includes(who);
      case "deny": return !said.includes(who);
      case "valid": return (said.from_ms ?? 0) <= Date.now() && Date.now() < (said.until_ms ?? Infinity);
      default: throw new Error(kind);
    }
  };

  // Until the server has seen the last block: somebody holds this one from that block on.
  const last = await origin.titled({ erc721: { ...on(seals), token_ids: ["3999"] } });
  await chain.mined(seals.write.mint([viewers[0].address, 3999n]));
  await until("the server has seen it", async () => (await viewers[0].watch(last)).status === 201);

  let open = 0;
  for (let n = 0; n < TREES; n += 1) {
    const rule = { all: [{ any: [tree(0), tree(1)] }] };
    const id = await origin.titled(rule);
    for (const viewer of viewers) {
      const [wanted, got] = [await oracle(rule, viewer.address), await viewer.watch(id)];
      const where = `seed ${seed}, tree ${n}, ${viewer.address}: ${JSON.stringify(rule)} ${JSON.stringify(got.body)}`;
      assert.equal(got.status, wanted ? 201 : 403, where);
      if (!wanted) assert.ok(got.body.missing.length > 0, where);
      open += wanted;
    }
  }
  assert.ok(open > TREES && open < TREES * (VIEWERS - 1), `seed ${seed}: ${open} open, this shows nothing`);
  return `${TREES} rules, ${open} of ${TREES * VIEWERS} let in, seed ${seed}`;
}
