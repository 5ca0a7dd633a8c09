// Who is signed in. All tabs of this address share one session: its refresh token is of use once, so one tab at a time may use it.

import { ask, Refused } from "./api.js";

const KEY = "streamgate-session";
/** An access token that ends sooner is renewed first. */
const LEFT_MS_MIN = 20_000;

/** @typedef {{access: string, endsMs: number, refresh: string, wallet: string}} Session  `endsMs`: of the access token, by this device's clock */

/** @returns {Session|null} */
export function session() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof kept?.access === "string" && typeof kept.refresh === "string" && typeof kept.wallet === "string" ? kept : null;
  } catch {
    return null;
  }
}

/** Calls `act` when another tab has signed in or out. */
export function onOtherTab(act) {
  addEventListener("storage", (event) => event.key === KEY && act());
}

/**
 * Signs in with a wallet, or adds it to the account that is signed in.
 * @param {import("./wallets.js").Wallet} wallet
 * @throws {Refused|Error} the server or the wallet said no
 */
export async function signIn(wallet) {
  const proof = await wallet.prove(async (asked) => (await ask("POST", "auth/challenge", { body: { ...asked, domain: location.host } })).body);
  const { body } = await ask("POST", "auth/login", { body: proof.body });
  keep(body, proof.address);
}

/**
 * Adds a wallet to the account.
 * @param {import("./wallets.js").Wallet} wallet
 */
export async function addWallet(wallet) {
  const token = await access();
  const proof = await wallet.prove(async (asked) => (await ask("POST", "auth/wallets/challenge", { body: { ...asked, domain: location.host }, token })).body);
  await ask("POST", "auth/wallets", { body: proof.body, token });
}

/** Ends the session, here and at the server. */
export async function signOut() {
  const ended = session();
  localStorage.removeItem(KEY);
  // A server that cannot be told forgets it by itself.
  if (ended) await ask("POST", "auth/logout", { token: ended.access }).catch(() => {});
}

/**
 * An access token that is good for a while.
 * @returns {Promise<string>}
 * @throws {Refused} nobody is signed in (401), or the server does not answer
 */
export async function access() {
  const now = session();
  if (now && now.endsMs - Date.now() > LEFT_MS_MIN) return now.access;
  return alone(async () => {
    // Another tab may have been here meanwhile.
    const last = session();
    if (!last) throw new Refused(401, { code: "signed_out", title: "You are signed out", detail: "Sign in again to go on." });
    if (last.endsMs - Date.now() > LEFT_MS_MIN || (last.access !== now?.access && last.endsMs > Date.now())) return last.access;
    try {
      const { body } = await ask("POST", "auth/refresh", { body: { refresh_token: last.refresh } });
      return keep(body, last.wallet).access;
    } catch (error) {
      if (error instanceof Refused && !error.passes) localStorage.removeItem(KEY);
      throw error;
    }
  });
}

function keep(tokens, wallet) {
  const kept = { access: tokens.access_token, endsMs: Date.now() + 1000 * tokens.expires_in, refresh: tokens.refresh_token, wallet };
  localStorage.setItem(KEY, JSON.stringify(kept));
  return kept;
}

function alone(act) {
  return navigator.locks ? navigator.locks.request(KEY, act) : act();
}
