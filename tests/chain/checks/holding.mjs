// Whoever holds what the rule asks for is let in, others are told what is missing, and what was given away counts no more.

import assert from "node:assert/strict";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const SEEN_WITHIN_MS = 2_000;

/** Each standard: how a token is given, the condition that asks for it, and how it is given away. */
function standards({ seals, crew, coin }) {
  const named = { name: "Ticket", link: "https://tickets.example" };
  return {
    erc721: {
      rule: { erc721: { chain: "anvil", contract: seals.address, min_balance: "1", ...named } },
      missing: { contract: seals.address, amount: "1" },
      give: (to) => seals.write.mint([to, 100n]),
      away: (from, to, as) => seals.write.transferFrom([from, to, 100n], as),
    },
    "erc721 by id": {
      rule: { erc721: { chain: "anvil", contract: seals.address, token_ids: ["200", "201"], ...named } },
      missing: { contract: seals.address, token_ids: ["200", "201"] },
      give: (to) => seals.write.mint([to, 201n]),
      away: (from, to, as) => seals.write.transferFrom([from, to, 201n], as),
    },
    erc1155: {
      rule: { erc1155: { chain: "anvil", contract: crew.address, id: "7", min_balance: "2", ...named } },
      missing: { contract: crew.address, amount: "2", token_ids: ["7"] },
      give: (to) => crew.write.mint([to, 7n, 2n]),
      away: (from, to, as) => crew.write.safeTransferFrom([from, to, 7n, 1n, "0x"], as),
    },
    erc20: {
      rule: { erc20: { chain: "anvil", contract: coin.address, min_units: "1000000000000000000", ...named } },
      missing: { contract: coin.address, amount: "1000000000000000000" },
      give: (to) => coin.write.mint([to, 10n ** 18n]),
      away: (from, to, as) => coin.write.transfer([to, 1n], as),
    },
  };
}

export async function holding({ chain, origin, contracts }) {
  const other = await new Viewer(origin).signIn();
  for (const [standard, { rule, missing, give, away }] of Object.entries(standards(contracts))) {
    const holder = await new Viewer(origin).signIn();
    const id = await origin.titled(rule);
    await chain.mined(give(holder.address));
    await seen(holder, id, 201, `${standard}: given`);
    const refused = await other.watch(id);
    assert.deepEqual([refused.status, refused.body.code], [403, "rule_not_met"], standard);
    const [said] = refused.body.missing;
    for (const [name, value] of Object.entries({ ...missing, chain: "anvil", name: "Ticket", link: "https://tickets.example", why: "not-met" })) {
      assert.deepEqual(said[name], value, `${standard}: ${name} in ${JSON.stringify(said)}`);
    }
    await chain.mined(away(holder.address, other.address, await chain.as(holder.address)));
    await seen(holder, id, 403, `${standard}: given away`);
  }
  return `${Object.keys(standards(contracts)).length} kinds of conditions`;
}

/** As soon as the server has seen the last block, which it remembers for a quarter of a second. */
async function seen(viewer, id, status, what) {
  await until(what, async () => (await viewer.watch(id)).status === status, SEEN_WITHIN_MS);
}
