// Wallets of this browser: those of Ethereum announce themselves by EIP-6963, those of Solana by the Wallet Standard. Whatever they say of
// themselves is shown as text, and as an image that cannot do anything.

import "./demo-wallets.js";
import { discoverEthereum } from "./ethereum.js";
import { discoverSolana } from "./solana.js";

const WALLETS_MAX = 32;
const NAME_CHARS_MAX = 60;
const ICON_CHARS_MAX = 1 << 20;

/**
 * @typedef {object} Wallet
 * @property {string} key    the same wallet announces itself again under the same key
 * @property {string} name
 * @property {string|null} icon   a data: URI
 * @property {"Ethereum"|"Solana"} family
 * @property {(put: (asked: {address: string, chain: string}) => Promise<any>) => Promise<{address: string, body: object}>} prove
 *   has the wallet name an account and sign what `put` answers; `body`: for a login
 */

/**
 * Finds wallets, also those that come later.
 * @param {(wallets: Wallet[]) => void} changed
 */
export function discover(changed) {
  const found = new Map();
  const add = (wallet) => {
    if (found.has(wallet.key) || found.size >= WALLETS_MAX) return;
    found.set(wallet.key, { ...wallet, name: nameOf(wallet.name), icon: iconOf(wallet.icon) });
    changed([...found.values()]);
  };
  discoverEthereum(add);
  discoverSolana(add);
}

function nameOf(name) {
  const text = typeof name === "string" ? name.trim() : "";
  return text === "" ? "A wallet without a name" : text.slice(0, NAME_CHARS_MAX);
}

function iconOf(icon) {
  const isImage = typeof icon === "string" && icon.length <= ICON_CHARS_MAX && /^data:image\/(png|webp|gif|jpeg|svg\+xml)[;,]/.test(icon);
  return isImage ? icon : null;
}
