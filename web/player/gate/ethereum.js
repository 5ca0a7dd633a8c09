// Wallets of Ethereum and its kin: discovery by EIP-6963, requests by EIP-1193, a text of EIP-4361 signed by personal_sign.

import { Declined } from "./declined.js";

/** EIP-1193: the user said no; and: a request is open already. */
const REJECTED = 4001;
const PENDING = -32002;

/** @param {(wallet: import("./wallets.js").Wallet) => void} add */
export function discoverEthereum(add) {
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    const { info, provider } = detail ?? {};
    if (typeof info?.uuid !== "string" || typeof provider?.request !== "function") return;
    add({ key: `eip6963:${info.uuid}`, name: info.name, icon: info.icon, family: "Ethereum", prove: (put) => prove(provider, put) });
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
}

async function prove(provider, put) {
  const accounts = await request(provider, "eth_requestAccounts");
  const address = Array.isArray(accounts) ? accounts[0] : null;
  if (typeof address !== "string") throw new Declined("The wallet named no account.");
  const chain = BigInt(await request(provider, "eth_chainId"));
  const { message } = await put({ address, chain: `eip155:${chain}` });
  const signature = await request(provider, "personal_sign", [hex(message), address]);
  return { address, body: { message, signature } };
}

async function request(provider, method, params = []) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    if (error?.code === REJECTED) throw new Declined("You declined in the wallet.");
    if (error?.code === PENDING) throw new Declined("The wallet waits for you already: open it.");
    throw new Declined(`The wallet says: ${String(error?.message ?? error).slice(0, 200)}`);
  }
}

function hex(text) {
  return `0x${Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
