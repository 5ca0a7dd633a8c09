// Many wallets at once on one collection: by Multicall3 they are a few questions to the chain, and each gets its own answer.

import assert from "node:assert/strict";
import { multicall3Bytecode } from "../node_modules/viem/_esm/constants/contracts.js";
import { Counting } from "../counting.mjs";
import { Origin } from "../program.mjs";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";
const VIEWERS = 120;
/** Without batches each of them is a question. */
const QUESTIONS_MAX = 40;

export async function storm({ chain, options, contracts }) {
  const hash = await chain.client.sendTransaction({ data: multicall3Bytecode });
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
  await chain.client.setCode({ address: MULTICALL3, bytecode: await chain.client.getCode({ address: contractAddress }) });
  const counting = await Counting.start(chain.url);
  let origin;
  try {
    origin = await Origin.start(options.binary, counting.url);
    const id = await origin.titled({ erc721: { chain: "anvil", contract: contracts.seals.address, min_balance: "1" } });
    const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => new Viewer(origin).signIn()));
    for (const [n, viewer] of viewers.entries()) {
      if (n % 2 === 0) await chain.mined(contracts.seals.write.mint([viewer.address, BigInt(9000 + n)]));
    }
    await until("the last one is seen", async () => (await viewers[VIEWERS - 2].watch(id)).status === 201);
    await chain.client.mine({ blocks: 1 });
    await until("the server has seen the block", async () => {
      const { chains } = await origin.api("GET", "web3/rpc-status");
      return chains[0].last.number === Number(await chain.client.getBlockNumber());
    });
    const before = counting.asked.eth_call;
    const answers = await Promise.all(viewers.map((viewer) => viewer.watch(id)));
    const asked = counting.asked.eth_call - before;
    assert.deepEqual(answers.map(({ status }) => status), viewers.map((_, n) => (n % 2 === 0 ? 201 : 403)));
    assert.ok(asked <= QUESTIONS_MAX, `${asked} questions for ${VIEWERS} wallets`);
    return `${VIEWERS} wallets, ${asked} calls`;
  } finally {
    await origin?.end();
    counting.end();
  }
}
