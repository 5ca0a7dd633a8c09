// A vault that has named the viewer's wallet in the registry of delegate.xyz lets it in where the rule says so, for as much as it has
// given, and for as long.

import assert from "node:assert/strict";
import { keccak256, toHex, zeroHash } from "viem";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const REGISTRY = "0x00000000000000447e69651d841bD8D104Bed493";
const PURPOSE = keccak256(toHex("something else"));

export async function delegates({ chain, origin, contracts }) {
  const { seals, crew } = contracts;
  const made = await chain.deploy("Registry");
  await chain.client.setCode({ address: REGISTRY, bytecode: await chain.client.getCode({ address: made.address }) });
  const registry = chain.at("Registry", REGISTRY);
  const vault = "0x00000000000000000000000000000000000fa017";
  const as = await chain.as(vault);
  await chain.mined(seals.write.mint([vault, 8001n]));
  await chain.mined(seals.write.mint([vault, 8002n]));
  const viewer = await new Viewer(origin).signIn();
  const of = (more) => ({ erc721: { chain: "anvil", contract: seals.address, ...more } });
  const balance = await origin.titled(of({ min_balance: "2", delegated: true }));
  const token = await origin.titled(of({ token_ids: ["8001"], delegated: true }));
  const other = await origin.titled(of({ token_ids: ["8002"], delegated: true }));
  const strict = await origin.titled(of({ min_balance: "2" }));

  /** Which of the four let the viewer in, once the server has seen the last block. */
  const open = async (expected, what) => {
    let got;
    await until(`${what}: ${expected}`, async () => {
      got = await Promise.all([balance, token, other, strict].map(async (id) => (await viewer.watch(id)).status));
      return got.join() === expected.map((one) => (one ? 201 : 403)).join();
    }, 3_000).catch((error) => { throw new Error(`${error.message}, but ${got}`); });
  };
  const given = async (write, expected, what) => {
    await chain.mined(write(true));
    await open(expected, what);
    await chain.mined(write(false));
    await open([false, false, false, false], `${what}, taken back`);
  };
  await open([false, false, false, false], "nothing given");
  await given((enable) => registry.write.delegateAll([viewer.address, zeroHash, enable], as), [true, true, true, false], "all");
  await given((enable) => registry.write.delegateContract([viewer.address, seals.address, zeroHash, enable], as), [true, true, true, false], "the contract");
  await given((enable) => registry.write.delegateERC721([viewer.address, seals.address, 8001n, zeroHash, enable], as), [false, true, false, false], "one token");
  await given((enable) => registry.write.delegateContract([viewer.address, crew.address, zeroHash, enable], as), [false, false, false, false], "another contract");
  await given((enable) => registry.write.delegateAll([viewer.address, PURPOSE, enable], as), [false, false, false, false], "a purpose");

  // What was given by it is taken back with it.
  await chain.mined(registry.write.delegateAll([viewer.address, zeroHash, true], as));
  await open([true, true, true, false], "again");
  await chain.mined(registry.write.delegateAll([viewer.address, zeroHash, false], as));
  await until("the token is taken back", async () => {
    const { items } = await origin.api("GET", `content/${balance}/grants`);
    return items.filter(({ account }) => account).every(({ why }) => why === "rule");
  }, 5_000);
  assert.equal((await viewer.watch(balance)).status, 403);
}
