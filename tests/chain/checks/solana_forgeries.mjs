// What a node may say wrongly about collections of Solana: whoever has nothing of them is let in by none of it.

import assert from "node:assert/strict";
import { getAddressEncoder } from "@solana/kit";
import { TOKEN, TOKEN_2022 } from "../cluster.mjs";
import { SolanaViewer } from "../solana_viewer.mjs";
import { until } from "../wait.mjs";

const CHAIN = "solana-localnet";
/** Longer than what was read is taken for the last that there is. */
const READ_AGAIN_MS = 600;

const viewer = async (origin) => (await SolanaViewer.new(origin)).signIn();
const bytes = (key) => Buffer.from(getAddressEncoder().encode(key));

/** An account with these bytes put into its data at a place. */
function patched(account, at, put) {
  const data = Buffer.from(account.data[0], "base64");
  put.copy(data, at);
  return { ...account, data: [data.toString("base64"), "base64"] };
}

function cut(account, length) {
  return { ...account, data: [Buffer.from(account.data[0], "base64").subarray(0, length).toString("base64"), "base64"] };
}

export async function solanaForgeries({ origin, cluster }) {
  const [holder, poor] = [await viewer(origin), await viewer(origin)];
  const [seals, crew, others] = [await cluster.mint(TOKEN), await cluster.collection(), await cluster.collection()];
  await cluster.describe(seals);
  const [real, named] = [await cluster.nft(holder.address, seals), await cluster.nft(poor.address, seals, false)];
  const [asset, own] = [await cluster.asset(holder.address, crew), await cluster.asset(poor.address, others)];
  const posing = await cluster.asset(poor.address, crew, undefined, "Address");
  const coin = await cluster.mint(TOKEN);
  for (const who of [holder, poor]) await cluster.give(TOKEN, coin, who.address, who === holder ? 5n : 4n);
  const titles = {
    spl: await origin.titled({ spl: { chain: CHAIN, mint: coin, min_units: "5" } }),
    metaplex: await origin.titled({ metaplex: { chain: CHAIN, collection: seals, min_balance: "1" } }),
    core: await origin.titled({ core: { chain: CHAIN, collection: crew, min_balance: "1" } }),
  };
  const asked = async (who, id) => (await who.watch(id)).status;
  for (const id of Object.values(titles)) await until("the holder is let in", async () => (await asked(holder, id)) === 201);

  const info = (key) => cluster.answer("getAccountInfo", [key]).value;
  const [confirmed, unconfirmed] = [info(await cluster.metadataOf(real)), info(await cluster.metadataOf(named))];
  // What would let the poor one in, but for the one thing that is wrong about it.
  const [perfect, perfectAsset] = [patched(confirmed, 33, bytes(named)), patched(info(asset), 1, bytes(poor.address))];
  const metadata = (rows) => (method, params, result) => (method === "getMultipleAccounts" ? { ...result, value: rows(params[0]) } : undefined);
  /** One of the accounts that were asked for together. */
  const placed = (key, row) => (method, params, result) => (method === "getMultipleAccounts" && params[0].includes(key) ? { ...result, value: result.value.map((was, n) => (params[0][n] === key ? row : was)) } : undefined);
  const [expected, rich] = [await cluster.expected(TOKEN, coin, poor.address), await cluster.expected(TOKEN, coin, holder.address)];
  const perfectCoins = patched(info(rich), 32, bytes(poor.address));
  const coins = (row) => placed(expected, row);
  const list = (change) => (method, params, result) => (method === "getMultipleAccounts" && params[0].includes(expected) ? change({ ...result, value: params[0].map(() => perfectCoins) }, params[1]) : undefined);
  const assets = (...rows) => (method, params, result) => (method === "getProgramAccounts" ? { ...result, value: rows.map(([pubkey, account]) => ({ pubkey, account })) } : undefined);
  const at = await cluster.metadataOf(named);
  const forgeries = {
    spl: {
      "coins of another wallet": coins(info(rich)),
      "coins of another mint": coins(patched(perfectCoins, 0, bytes(seals))),
      "coins of another program": coins({ ...perfectCoins, owner: TOKEN_2022 }),
      "coins of an account that was never made": coins(patched(perfectCoins, 108, Buffer.from([0]))),
      "coins of an account that is cut": coins(cut(perfectCoins, 164)),
      "an account more than was asked for": list((told) => ({ ...told, value: [...told.value, perfectCoins] })),
      "an account less": list((told) => ({ ...told, value: told.value.slice(1) })),
      "accounts of a slot before": list((told, options) => ({ ...told, context: { slot: options.minContextSlot - 1 } })),
      "accounts of no slot": list((told) => told.value),
    },
    metaplex: {
      "metadata of another mint": placed(at, confirmed),
      "metadata of another program": placed(at, { ...perfect, owner: TOKEN }),
      "metadata that end before they say it": placed(at, cut(perfect, 120)),
      "metadata of no kind": placed(at, patched(perfect, 0, Buffer.from([1]))),
      "metadata of one more than was asked for": metadata((keys) => [unconfirmed, ...keys.map(() => perfect)]),
      "metadata of none where one was asked for": metadata(() => []),
      "tokens of another wallet": (method, params, result) => (method === "getTokenAccountsByOwner" ? cluster.answer(method, [holder.address, ...params.slice(1)]) : undefined),
    },
    core: {
      "an asset of another wallet": assets([asset, info(asset)]),
      "an asset of another collection": assets([own, info(own)]),
      "an asset that names the collection as a person": assets([posing, info(posing)]),
      "an asset of another program": assets([asset, { ...perfectAsset, owner: TOKEN }]),
      "an asset without an end": assets([asset, cut(perfectAsset, 66)]),
      "the collection itself": assets([crew, info(crew)]),
      "an asset twice": assets([asset, perfectAsset], [asset, perfectAsset]),
      "an asset of a slot before": (method, params, result) => (method === "getProgramAccounts" ? { context: { slot: params[1].minContextSlot - 1 }, value: [{ pubkey: asset, account: perfectAsset }] } : undefined),
      "an asset of no slot": (method) => (method === "getProgramAccounts" ? [{ pubkey: asset, account: perfectAsset }] : undefined),
    },
  };
  const tried = async (why, id, lie, wanted) => {
    let told = 0;
    cluster.node.lie = (...all) => { const one = lie(...all); told += one !== undefined; return one; };
    const end = performance.now() + READ_AGAIN_MS;
    do assert.ok(wanted.includes(await asked(poor, id)), why); while (performance.now() < end);
    cluster.node.lie = () => undefined;
    assert.ok(told > 0, `${why}: nobody was told`);
  };
  let count = 0;
  for (const [kind, lies] of Object.entries(forgeries)) {
    for (const [why, lie] of Object.entries(lies)) {
      await tried(why, titles[kind], lie, [403, 503]);
      count += 1;
    }
  }
  // So that the forgeries are known to be good ones: nothing wrong about them, and a node that is trusted alone is believed.
  for (const [kind, lie] of [["spl", coins(perfectCoins)], ["metaplex", placed(at, perfect)], ["core", assets([asset, perfectAsset])]]) {
    cluster.node.lie = lie;
    await until(`a perfect ${kind} is believed`, async () => (await asked(poor, titles[kind])) === 201);
    cluster.node.lie = () => undefined;
    await until("no longer", async () => (await asked(poor, titles[kind])) === 403);
  }
  return `${count} forgeries`;
}
