// Wallets that are contracts sign in (EIP-1271), those too that are not made yet (ERC-6492), and a hostile contract costs a login at most
// two seconds.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { concat, encodeAbiParameters, encodeFunctionData, getContract, hashMessage, toFunctionSelector, zeroAddress } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { judge } from "../contracts.mjs";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const require = createRequire(import.meta.url);
const UNMADE = `0x${"6492".repeat(16)}`;
const LOGIN_WITHIN_MS = 2_000;
/** What comes to that on a machine that does other things as well. */
const SLACK_MS = 500;

const owner = () => privateKeyToAccount(generatePrivateKey());

/** Somebody at the address of a contract, for whom `sign` signs. */
class ContractViewer extends Viewer {
  constructor(origin, address, sign) {
    super(origin, { address, signMessage: ({ message }) => sign(message) });
  }
}

/** Signs in as soon as the server has seen the block that the wallet was made in. */
async function there(viewer) {
  return until("the wallet signs in", () => viewer.signIn().catch(() => null));
}

export async function contractWallets({ chain, origin, contracts }) {
  const [key, next] = [owner(), owner()];
  const wallet = await chain.deploy("Wallet", [key.address]);
  const viewer = await there(new ContractViewer(origin, wallet.address, (message) => key.signMessage({ message })));
  const profile = await origin.api("GET", "auth/profile", undefined, viewer.token);
  assert.deepEqual([profile.wallets[0].chain, profile.wallets[0].address], ["eip155:31337", wallet.address]);

  // It holds what it holds, on its own chain.
  const id = await origin.titled({ erc721: { chain: "anvil", contract: contracts.seals.address, min_balance: "1" } });
  assert.equal((await viewer.watch(id)).status, 403);
  await chain.mined(contracts.seals.write.mint([wallet.address, 6001n]));
  await until("let in", async () => (await viewer.watch(id)).status === 201);

  // Another key's signature, and the old owner's after the wallet was handed over.
  const refused = async (sign, what) => {
    const { status, body } = await new ContractViewer(origin, wallet.address, sign).answer();
    assert.deepEqual([status, body.code], [403, "signin_signature"], `${what}: ${JSON.stringify(body)}`);
  };
  await refused((message) => next.signMessage({ message }), "a stranger");
  await chain.mined(wallet.write.handOver([next.address], await chain.as(key.address)));
  await until("the wallet is another's", async () => {
    const { status } = await new ContractViewer(origin, wallet.address, (message) => key.signMessage({ message })).answer();
    return status === 403;
  });
  await new ContractViewer(origin, wallet.address, (message) => next.signMessage({ message })).signIn();

  // A second one is linked to somebody's account, by the same signature over another text.
  const second = await chain.deploy("Wallet", [key.address]);
  const person = await new Viewer(origin).signIn();
  await chain.mined(contracts.seals.write.mint([second.address, 6002n]));
  const link = async (signer) => {
    const asked = await origin.api("POST", "auth/wallets/challenge", { address: second.address, chain: "eip155:31337" }, person.token);
    const proof = { message: asked.message, signature: await signer.signMessage({ message: asked.message }) };
    return origin.ask("POST", "auth/wallets", proof, person.token);
  };
  assert.equal((await link(next)).status, 403, "a stranger's signature");
  await until("the wallet is linked", async () => (await link(key)).status === 200);
  await until("what it holds counts", async () => (await person.watch(id)).status === 201);

  // On a chain that this server does not read, nobody can say whose signature it is.
  const { message } = await viewer.challenge({ chain: "eip155:1" });
  const elsewhere = await origin.ask("POST", "auth/login", { message, signature: await next.signMessage({ message }) }, "");
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [403, "signin_signature"]);
}

export async function unmadeWallets({ chain, origin }) {
  const factory = await chain.deploy("Factory");
  const key = owner();
  const salt = `0x${"07".repeat(32)}`;
  const address = await factory.read.where([key.address, salt]);
  const setup = encodeFunctionData({ abi: factory.abi, functionName: "make", args: [key.address, salt] });
  const wrapped = (signature, with_ = setup, at = factory.address) =>
    concat([encodeAbiParameters([{ type: "address" }, { type: "bytes" }, { type: "bytes" }], [at, with_, signature]), UNMADE]);
  const signing = (make) => new ContractViewer(origin, address, async (message) => make(await key.signMessage({ message })));

  // The origin remembers the last block for a moment, in which the factory is not there yet.
  await until("the factory is there", async () => (await signing((signature) => wrapped(signature)).answer()).status === 200);
  for (const [what, make] of Object.entries({
    "not wrapped": (signature) => signature,
    "another wallet's": (signature) => wrapped(signature, encodeFunctionData({ abi: factory.abi, functionName: "make", args: [owner().address, salt] })),
    "a factory that burns": (signature) => wrapped(signature, encodeFunctionData({ abi: factory.abi, functionName: "burn" })),
    "no factory": (signature) => wrapped(signature, setup, zeroAddress),
    "cut": (signature) => concat([wrapped(signature).slice(0, 300), UNMADE]),
    "only the ending": () => UNMADE,
  })) {
    const begun = performance.now();
    const { status, body } = await signing(make).answer();
    assert.deepEqual([status, body.code], [403, "signin_signature"], `${what}: ${JSON.stringify(body)}`);
    assert.ok(performance.now() - begun < LOGIN_WITHIN_MS + SLACK_MS, what);
  }
  await signing((signature) => wrapped(signature)).signIn();
  assert.equal(await chain.client.getCode({ address }), undefined, "nothing was made");
  // Once it is there the wrapped signature and the plain one are both its own.
  await chain.mined(factory.write.make([key.address, salt]));
  await signing((signature) => wrapped(signature)).signIn();
  await until("the wallet is there", async () => (await signing((signature) => signature).answer()).status === 200);
}

export async function hostileWallets({ chain, origin }) {
  const key = owner();
  const took = [];
  const deployed = {};
  for (const name of ["Burner", "Megabyte", "Truthy", "Short", "Reverts", "Talkative"]) deployed[name] = (await chain.deploy(name)).address;
  const last = await chain.deploy("Wallet", [key.address]);
  await there(new ContractViewer(origin, last.address, (message) => key.signMessage({ message })));
  for (const [name, address] of Object.entries(deployed)) {
    const begun = performance.now();
    const { status, body } = await new ContractViewer(origin, address, (message) => key.signMessage({ message })).answer();
    const ms = performance.now() - begun;
    took.push(`${name} ${Math.round(ms)}`);
    // Who owns a contract that says yes to everything signs in as that contract, and as nothing else.
    const expected = name === "Talkative" ? [200, undefined] : [403, "signin_signature"];
    assert.deepEqual([status, body.code], expected, `${name}: ${JSON.stringify(body)}`);
    assert.ok(ms < LOGIN_WITHIN_MS + SLACK_MS, `${name}: ${ms} ms`);
  }
  const many = await Promise.all(Array.from({ length: 100 }, () => new ContractViewer(origin, deployed.Burner, (message) => key.signMessage({ message })).answer()));
  assert.ok(many.every(({ status }) => status === 403 || status === 503), JSON.stringify(many.map(({ status }) => status)));
  return `ms: ${took.join(", ")}`;
}

export async function safes({ chain, origin }) {
  const artifact = (path) => require(`@safe-global/safe-contracts/build/artifacts/contracts/${path}.json`);
  const put = async ({ abi, bytecode }) => {
    const hash = await chain.client.deployContract({ abi, bytecode });
    const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
    return getContract({ address: contractAddress, abi, client: chain.client });
  };
  const singleton = await put(artifact("Safe.sol/Safe"));
  const factory = await put(artifact("proxies/SafeProxyFactory.sol/SafeProxyFactory"));
  const handler = await put(artifact("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler"));
  const owners = [owner(), owner(), owner()].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const setup = encodeFunctionData({
    abi: singleton.abi,
    functionName: "setup",
    args: [owners.map(({ address }) => address), 2n, zeroAddress, "0x", handler.address, zeroAddress, 0n, zeroAddress],
  });
  const { result: address } = await factory.simulate.createProxyWithNonce([singleton.address, setup, 1n]);
  await chain.mined(factory.write.createProxyWithNonce([singleton.address, setup, 1n]));

  /** What the owners sign: the hash of the text, as a message of this Safe. */
  const signed = (signers) => async (message) => concat(await Promise.all(signers.map((signer) => signer.signTypedData({
    domain: { chainId: 31337, verifyingContract: address },
    types: { SafeMessage: [{ name: "message", type: "bytes" }] },
    primaryType: "SafeMessage",
    message: { message: hashMessage(message) },
  }))));
  const alone = await new ContractViewer(origin, address, signed(owners.slice(0, 1))).answer();
  assert.equal(alone.status, 403, "one of two owners");
  await until("the Safe signs in", async () => (await new ContractViewer(origin, address, signed(owners.slice(0, 2))).answer()).status === 200);
}

/** The code that asks wallets is what its source compiles to. */
export async function judgeIsItsSource() {
  const { compiled, kept } = judge();
  assert.equal(kept, compiled);
  assert.equal(toFunctionSelector("isValidSignature(bytes32,bytes)"), "0x1626ba7e");
}
