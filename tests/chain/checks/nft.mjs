// What a contract is, for people who write rules, and how a rule would decide about wallets.

import assert from "node:assert/strict";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

export async function nft({ chain, origin, contracts }) {
  const { seals, crew, coin } = contracts;
  const viewer = await new Viewer(origin).signIn();
  await chain.mined(seals.write.mint([viewer.address, 7001n]));
  const asked = (contract, more = "", token = viewer.token) =>
    origin.ask("GET", `nft?chain=anvil&contract=${contract}${more}`, undefined, token);
  await until("it is seen", async () => (await asked(seals.address)).body.wallets[0].amount === "1");
  const { body: seal } = await asked(seals.address, "&id=7001");
  assert.deepEqual([seal.standard, seal.name, seal.symbol], ["erc721", "Seals", "SEAL"]);
  assert.deepEqual(seal.wallets, [{ wallet: viewer.address, amount: "1" }]);
  assert.equal((await asked(seals.address, "&id=999999")).body.wallets[0].amount, "0");
  assert.equal((await asked(crew.address, "&id=1")).body.standard, "erc1155");
  assert.deepEqual([(await asked(coin.address)).body.standard, (await asked(coin.address)).body.wallets[0].amount], ["erc20", "0"]);
  assert.equal((await asked(viewer.address)).body.code, "unknown_contract");
  assert.equal((await asked(seals.address, "", "")).status, 401);

  const rule = { any: [{ erc721: { chain: "anvil", contract: seals.address, min_balance: "1" } }, { allow: [coin.address] }] };
  const verify = (wallets, token) => origin.ask("POST", "nft/verify", { rule: { rule }, wallets }, token);
  assert.deepEqual((await verify([viewer.address])).body, { lets_in: true, decided: "yes", missing: [] });
  assert.equal((await verify([coin.address])).body.decided, "yes", "by the list");
  const no = (await verify([crew.address])).body;
  assert.deepEqual([no.lets_in, no.decided, no.missing[0].any.length], [false, "no", 2]);
  assert.equal((await verify([])).body.decided, "in-doubt");
  assert.equal((await verify([viewer.address], viewer.token)).status, 403, "a viewer writes no rules");
}
