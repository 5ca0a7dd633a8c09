// Endpoints of a cluster that contradict each other, say nothing or are gone: nobody is let in who could not be let in by what enough of them say.

import assert from "node:assert/strict";
import { getAddressEncoder } from "@solana/kit";
import { ClusterNode, TOKEN } from "../cluster.mjs";
import { Origin } from "../program.mjs";
import { SolanaViewer } from "../solana_viewer.mjs";
import { until } from "../wait.mjs";

/** Longer than what was read is taken for the last that there is. */
const READ_AGAIN_MS = 1_200;
/** The time limit of a chain, and what is around it. */
const ANSWER_MS = 3_000;

const viewer = async (origin) => (await SolanaViewer.new(origin)).signIn();

/** What nodes say of what `who` has of a mint, where it is expected and in all. */
const says = (cluster, who, mint, units) => {
  const data = Buffer.alloc(165);
  Buffer.from(getAddressEncoder().encode(mint)).copy(data);
  Buffer.from(getAddressEncoder().encode(who.address)).copy(data, 32);
  data.writeBigUInt64LE(units, 64);
  data[108] = 1;
  const account = units === 0n ? null : { data: [data.toString("base64"), "base64"], owner: TOKEN, lamports: 2_039_280, executable: false, rentEpoch: 0, space: 165 };
  return (method, params, result) => {
    const isAt = (key) => key === who.expected;
    if (method === "getMultipleAccounts" && params[0].some(isAt)) {
      result.value = result.value.map((was, n) => (isAt(params[0][n]) ? account : was));
      return result;
    }
    if (method !== "getTokenAccountsByOwner" || params[0] !== who.address) return undefined;
    return { ...result, value: account ? [{ pubkey: who.expected, account }] : [] };
  };
};

/** Behind one address there are two nodes, one of which is some slots behind: nobody is refused for that. */
export async function solanaBehind({ chain, cluster, options }) {
  const node = await ClusterNode.start(cluster);
  node.behind = 3n;
  let origin;
  try {
    origin = await Origin.start(options.binary, chain.url, "", "", { rpc: [node.url] });
    const [holder, poor] = [await viewer(origin), await viewer(origin)];
    const mint = await cluster.mint(TOKEN);
    await cluster.give(TOKEN, mint, holder.address, 5n);
    const id = await origin.titled({ spl: { chain: "solana-localnet", mint, min_units: "5" } });
    const end = performance.now() + 3 * READ_AGAIN_MS;
    let count = 0;
    for (; performance.now() < end; count += 1) {
      assert.deepEqual([(await holder.watch(id)).status, (await poor.watch(id)).status], [201, 403]);
    }
    return `${2 * count} answers`;
  } finally {
    await origin?.end();
    await node.end();
  }
}

export async function solanaNodes({ chain, cluster, options }) {
  const nodes = await Promise.all([1, 2, 3].map(() => ClusterNode.start(cluster)));
  let origin;
  try {
    origin = await Origin.start(options.binary, chain.url, "", "", { rpc: nodes.map(({ url }) => url), quorum: 2 });
    const [holder, poor] = [await viewer(origin), await viewer(origin)];
    const mint = await cluster.mint(TOKEN);
    await cluster.give(TOKEN, mint, holder.address, 5n);
    const rule = { spl: { chain: "solana-localnet", mint, min_units: "5" } };
    const [strict, patient] = [await origin.titled(rule), await origin.titled(rule, { grace_seconds: 60 })];
    let slowest = 0;
    const asks = async (who, id = strict) => {
      const begun = performance.now();
      const { status, body } = await who.watch(id);
      slowest = Math.max(slowest, performance.now() - begun);
      return status === 201 ? "let in" : `${status} ${body.code}`;
    };
    /** From what is kept no more on, each of both gets this answer, and gets no other one afterwards. */
    const answers = async (what, wanted) => {
      for (const [who, said] of [[holder, wanted.holder], [poor, wanted.poor]]) {
        await until(`${what}: ${said}`, async () => {
          const got = await asks(who);
          if (who === poor) assert.notEqual(got, "let in", what);
          return got === said;
        }, 15_000);
      }
      const end = performance.now() + READ_AGAIN_MS;
      while (performance.now() < end) assert.deepEqual([await asks(holder), await asks(poor)], [wanted.holder, wanted.poor], what);
    };
    const [open, shut, unread] = ["let in", "403 rule_not_met", "503 chain_not_read"];
    for (const who of [holder, poor]) who.expected = await cluster.expected(TOKEN, mint, who.address);
    const lie = (...units) => nodes.forEach((node, n) => {
      const lies = units[n] ? [[poor, units[n].poor], [holder, units[n].holder]].map(([who, has]) => says(cluster, who, mint, has)) : [];
      node.lie = (method, params, honest) => lies.reduce((told, one) => one(method, params, told ?? honest) ?? told, undefined);
    });
    const states = (...all) => nodes.forEach((node, n) => { node.state = all[n]; });

    await answers("they agree", { holder: open, poor: shut });
    assert.equal(await asks(holder, patient), open);
    lie({ poor: 5n, holder: 0n });
    await answers("one of three lies", { holder: open, poor: shut });
    lie({ poor: 5n, holder: 0n }, { poor: 6n, holder: 4n });
    await answers("no two say the same", { holder: unread, poor: unread });
    lie();
    await answers("they agree again", { holder: open, poor: shut });
    states("dead", "up", "up");
    await answers("one of three is gone", { holder: open, poor: shut });
    states("dead", "up", "dead");
    await answers("two of three are gone", { holder: unread, poor: unread });
    states("dead", "dead", "dead");
    await answers("all are gone", { holder: unread, poor: unread });
    assert.equal(await asks(holder, patient), open, "who was let in a minute ago is, where the rule says so");
    assert.equal(await asks(poor, patient), unread);
    const gone = slowest;
    states("silent", "silent", "silent");
    await answers("all are silent", { holder: unread, poor: unread });
    assert.ok(slowest < ANSWER_MS, `an answer took ${slowest} ms`);
    states("up", "up", "up");
    await answers("they are back", { holder: open, poor: shut });
    lie({ poor: 5n, holder: 0n });
    states("up", "dead", "up");
    await answers("one lies, one is gone, one is right", { holder: unread, poor: unread });
    return `slowest answer ${Math.round(gone)} ms when all are gone, ${Math.round(slowest)} ms when all are silent`;
  } finally {
    await origin?.end();
    await Promise.all(nodes.map((node) => node.end()));
  }
}
