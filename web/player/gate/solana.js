// Wallets of Solana: discovery by the Wallet Standard's two window events, then its features standard:connect and solana:signIn (Sign-In With
// Solana), or solana:signMessage where a wallet has no more.

import { Declined } from "./declined.js";

const CLUSTERS = ["solana:mainnet", "solana:devnet", "solana:testnet", "solana:localnet"];

/** @param {(wallet: import("./wallets.js").Wallet) => void} add */
export function discoverSolana(add) {
  const register = (...wallets) => {
    for (const wallet of wallets) if (canSignIn(wallet)) add(shown(wallet));
    return () => {};
  };
  const api = Object.freeze({ register });
  addEventListener("wallet-standard:register-wallet", ({ detail }) => typeof detail === "function" && detail(api));
  dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: api }));
}

function canSignIn(wallet) {
  const features = wallet?.features ?? {};
  const signs = features["solana:signIn"]?.signIn ?? features["solana:signMessage"]?.signMessage;
  return clusterOf(wallet) !== undefined && typeof signs === "function" && typeof features["standard:connect"]?.connect === "function";
}

function clusterOf(wallet) {
  return CLUSTERS.find((cluster) => Array.isArray(wallet?.chains) && wallet.chains.includes(cluster));
}

function shown(wallet) {
  return { key: `standard:${wallet.name}`, name: wallet.name, icon: wallet.icon, family: "Solana", prove: (put) => prove(wallet, put) };
}

async function prove(wallet, put) {
  const connected = await declinable(() => wallet.features["standard:connect"].connect());
  const account = connected?.accounts?.[0] ?? wallet.accounts?.[0];
  if (typeof account?.address !== "string") throw new Declined("The wallet named no account.");
  const { address } = account;
  const { input, message } = await put({ address, chain: clusterOf(wallet) });
  const [output] = await declinable(() => sign(wallet, account, input, message));
  if (!(output?.signedMessage && output.signature)) throw new Declined("The wallet signed nothing.");
  // A wallet may let another account sign than it named; the server is told which, and refuses what does not fit.
  const signer = output.account?.address ?? address;
  return { address: signer, body: { format: "siws", address: signer, signed_message: base64(output.signedMessage), signature: base64(output.signature) } };
}

function sign(wallet, account, input, message) {
  const signIn = wallet.features["solana:signIn"];
  if (signIn) return signIn.signIn(input);
  return wallet.features["solana:signMessage"].signMessage({ account, message: new TextEncoder().encode(message) });
}

async function declinable(act) {
  try {
    return await act();
  } catch (error) {
    throw new Declined(`The wallet says: ${String(error?.message ?? error).slice(0, 200)}`);
  }
}

function base64(bytes) {
  return btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
}
