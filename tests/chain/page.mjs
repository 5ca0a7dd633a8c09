// The watch page in Chromium, with wallets in it that sign outside of the page: viem's accounts by EIP-6963, keys of Solana by the Wallet Standard.

import { generateKeyPairSync, sign } from "node:crypto";
import { base58 } from "../clients/base58.mjs";

const ICON = "data:image/svg+xml," + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="7" fill="#2f6f6a"/><circle cx="14" cy="14" r="6" fill="#fff"/></svg>');

/** A wallet of Solana. `signsIn`: it has solana:signIn, not just solana:signMessage. */
export function ofSolana(name, signsIn) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const address = base58(publicKey.export({ type: "spki", format: "der" }).subarray(12));
  return { name, solana: { signsIn, address, secret: privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32), sign: (text) => [...sign(null, Buffer.from(text), privateKey)] } };
}

export class Page {
  /**
   * @param {Awaited<ReturnType<typeof import("../browser/chromium.mjs").openBrowser>>} browser
   * @param {({name: string, account: import("viem").Account} | ReturnType<typeof ofSolana>)[]} wallets
   */
  static async open(browser, wallets) {
    const page = new Page();
    page.tab = await browser.openPage();
    page.errors = [];
    page.asked = [];
    page.tab.on("pageerror", (error) => page.errors.push(error.message));
    await page.tab.exposeFunction("askWallet", async (at, method, params) => {
      page.asked.push(method);
      const { account, declines, solana } = wallets[at];
      if (solana) return solana.sign(params[0]);
      if (method === "eth_requestAccounts") return [account.address];
      if (method === "eth_chainId") return "0x7a69";
      if (method === "personal_sign" && declines) return { declined: true };
      if (method === "personal_sign") return account.signMessage({ message: { raw: params[0] } });
      throw new Error(`no such method: ${method}`);
    });
    await page.tab.addInitScript(announce, { wallets: wallets.map(({ name, solana }) => ({ name, solana: solana && { address: solana.address, signsIn: solana.signsIn } })), icon: ICON });
    return page;
  }

  async goto(url) {
    await this.tab.goto(url);
    await this.tab.evaluate(() => {
      globalThis.waits = [];
      document.querySelector("video")?.addEventListener("waiting", ({ target }) => globalThis.waits.push(target.currentTime));
    });
  }

  /** Until the door shows this state. */
  door(state, withinMs = 15_000) {
    return this.until(`the door says ${state}`, (wanted) => document.body.dataset.door === wanted && document.getElementById("door").getAttribute("aria-busy") !== "true", state, withinMs);
  }

  playedTo(seconds, withinMs = 20_000 + 1000 * seconds) {
    return this.until(`played to ${seconds} s`, (time) => document.querySelector("video").currentTime >= time, seconds, withinMs);
  }

  async until(what, condition, argument, withinMs) {
    await this.tab.waitForFunction(condition, argument, { timeout: withinMs, polling: 25 }).catch(async (error) => {
      const state = await this.tab.evaluate(() => [document.body.dataset.door, document.body.dataset.trouble, document.getElementById("trouble")?.innerText, document.querySelector("video")?.currentTime]).catch(() => null);
      throw new Error(`not within ${withinMs} ms: ${what}; ${JSON.stringify(state)} ${error.message.split("\n")[0]}`);
    });
  }

  /** What the door tells. */
  words() {
    return this.tab.evaluate(() => ["trouble-title", "trouble-text", "missing", "door-said", "trouble-detail"].map((id) => document.getElementById(id).textContent).join(" | "));
  }

  click(text) {
    return this.tab.getByRole("button", { name: text }).click();
  }

  async close() {
    await this.tab.close();
    if (this.errors.length > 0) throw new Error(`script error on the page: ${this.errors[0]}`);
  }
}

/** Runs in the page before its own scripts. */
function announce({ wallets, icon }) {
  const ethereum = wallets.map(({ name, solana }, at) => !solana && Object.freeze({
    info: Object.freeze({ uuid: `00000000-0000-4000-8000-00000000000${at}`, name, icon, rdns: `example.wallet${at}` }),
    provider: {
      async request({ method, params }) {
        const said = await globalThis.askWallet(at, method, params);
        if (said?.declined) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
        return said;
      },
    },
  })).filter(Boolean);
  const all = () => ethereum.forEach((detail) => globalThis.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail })));
  globalThis.addEventListener("eip6963:requestProvider", all);
  all();

  /** SolanaSignInInput as a text (the wallet standard's createSignInMessageText). */
  const written = (input) => `${input.domain} wants you to sign in with your Solana account:\n${input.address}\n\n${input.statement}\n\n` +
    `URI: ${input.uri}\nVersion: ${input.version}\nChain ID: ${input.chainId}\nNonce: ${input.nonce}\nIssued At: ${input.issuedAt}\nExpiration Time: ${input.expirationTime}`;
  const standard = wallets.map(({ name, solana }, at) => {
    if (!solana) return null;
    const account = { address: solana.address, chains: ["solana:devnet"], features: [] };
    const signed = async (text) => {
      const signature = new Uint8Array(await globalThis.askWallet(at, "sign", [text]));
      return [{ account, signedMessage: new TextEncoder().encode(text), signature }];
    };
    const signs = solana.signsIn
      ? { "solana:signIn": { version: "1.0.0", signIn: (input) => signed(written(input)) } }
      : { "solana:signMessage": { version: "1.0.0", signMessage: ({ message }) => signed(new TextDecoder().decode(message)) } };
    return { version: "1.0.0", name, icon, chains: ["solana:devnet"], accounts: [], features: { "standard:connect": { version: "1.0.0", connect: async () => ({ accounts: [account] }) }, ...signs } };
  }).filter(Boolean);
  const register = (api) => api.register(...standard);
  globalThis.addEventListener("wallet-standard:app-ready", ({ detail }) => register(detail));
  globalThis.dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: register }));
}
