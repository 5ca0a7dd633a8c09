// Two wallets in the page itself, for `streamgate demo` alone. Their keys are those that every development chain (anvil, hardhat) gives coins to: they are public,
// and nothing of worth must ever be sent to them.

import { keccak_256 } from "/watch/vendor/noble/sha3.js";
import { signAsync } from "/watch/vendor/noble/secp256k1.js";

const CHAIN = "0x7a69"; // 31337, anvil's

const WALLETS = [
  {
    name: "Ada (demo wallet)", colour: "#2f6f6a", address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    key: "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  },
  {
    name: "Bob (demo wallet)", colour: "#c4603f", address: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    key: "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  },
];

const announced = WALLETS.map(({ name, colour, address, key }, at) => Object.freeze({
  info: Object.freeze({ uuid: `de300000-0000-4000-8000-00000000000${at}`, name, icon: icon(name[0], colour), rdns: "streamgate.demo" }),
  provider: Object.freeze({ request: ({ method, params }) => answer(method, params, address, key) }),
}));

function announce() {
  for (const detail of announced) dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
}

addEventListener("eip6963:requestProvider", announce);
announce();

async function answer(method, params, address, key) {
  switch (method) {
    case "eth_requestAccounts": return [address];
    case "eth_chainId": return CHAIN;
    case "personal_sign": return personalSign(fromHex(params[0].slice(2)), fromHex(key));
    default: throw Object.assign(new Error(`The demo's wallets do not know ${method}.`), { code: 4200 });
  }
}

/** EIP-191, version 0x45. */
async function personalSign(text, key) {
  const prefix = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${text.length}`);
  const signed = await signAsync(keccak_256(Uint8Array.of(...prefix, ...text)), key, { prehash: false, format: "recovered" });
  return `0x${toHex(signed.slice(1))}${toHex([27 + signed[0]])}`;
}

function icon(letter, colour) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="7" fill="${colour}"/><text x="14" y="19.5" font-family="sans-serif" font-size="15" font-weight="600" fill="#fff" text-anchor="middle">${letter}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const fromHex = (digits) => Uint8Array.from(digits.match(/../g), (byte) => parseInt(byte, 16));
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
