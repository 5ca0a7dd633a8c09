// Who is signed in. All tabs of this address share one session: its refresh token is of use once, so one tab at a time may use it, and reads it where
// what another tab has written is seen at once (`kept.js`). What is shown, and an access token, are in localStorage as well, which can be read at once.

import { ask, Refused } from "./api.js";
import * as kept from "./kept.js";

const KEY = "streamgate-session";
/** An access token that ends sooner is renewed first. */
const LEFT_MS_MIN = 20_000;

/** @typedef {{access: string, endsMs: number, wallet: string}} Session  `endsMs`: of the access token, by this device's clock */

/** @returns {Session|null} */
export function session() {
  try {
    const shown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof shown?.access === "string" && typeof shown.wallet === "string" ? shown : null;
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
  await alone(() => keep(body, proof.address));
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
  const ended = await alone(async () => {
    const last = await kept.read();
    await forget();
    return last;
  });
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
    const last = await kept.read();
    if (!last) {
      await forget();
      throw new Refused(401, { code: "signed_out", title: "You are signed out", detail: "Sign in again to go on." });
    }
    const left = last.endsMs - Date.now();
    if (left > LEFT_MS_MIN || (last.access !== now?.access && left > 0)) {
      show(last);
      return last.access;
    }
    try {
      const { body } = await ask("POST", "auth/refresh", { body: { refresh_token: last.refresh } });
      return (await keep(body, last.wallet)).access;
    } catch (error) {
      if (error instanceof Refused && !error.passes) await forget();
      throw error;
    }
  });
}

async function keep(tokens, wallet) {
  const now = { access: tokens.access_token, endsMs: Date.now() + 1000 * tokens.expires_in, refresh: tokens.refresh_token, wallet };
  await kept.write(now);
  show(now);
  return now;
}

async function forget() {
  await kept.write(undefined);
  localStorage.removeItem(KEY);
}

function show({ access, endsMs, wallet }) {
  localStorage.setItem(KEY, JSON.stringify({ access, endsMs, wallet }));
}

function alone(act) {
  return navigator.locks ? navigator.locks.request(KEY, act) : act();
}
