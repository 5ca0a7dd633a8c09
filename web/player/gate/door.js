// What is shown in the place of the picture to whoever is not let in: wallets to sign in with, what is missing, and what the page is doing.

import { missingItem, walletItems } from "./lists.js";
import { shortAddress } from "./sentence.js";
import { discover } from "./wallets.js";

const byId = (id) => document.getElementById(id);

/** Nothing is missing but a password. */
const PASSWORD_CODES = ["password_needed", "password_wrong"];

const asksForPassword = (conditions) => conditions.some((one) => one.standard === "password" || asksForPassword(one.any ?? one.all ?? []));

export class Door {
  #does;
  #wallets = [];
  /** What a wallet that is chosen does: sign in, or prove itself to the account. */
  #chosen;

  /**
   * @param {{signIn: (wallet: import("./wallets.js").Wallet) => void, addWallet: (wallet: import("./wallets.js").Wallet) => void,
   *   again: () => void, password: (text: string) => void, signOut: () => void}} does
   */
  constructor(does) {
    this.#does = does;
    this.#chosen = does.signIn;
    byId("sign-out").addEventListener("click", () => does.signOut());
    byId("door-again").addEventListener("click", () => does.again());
    byId("door-add").addEventListener("click", () => this.#choose(does.addWallet, "Add the wallet that holds it"));
    byId("door-other").addEventListener("click", () => this.#choose(does.signIn, "Sign in with another wallet"));
    byId("door-password").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = byId("password").value;
      byId("password").value = "";
      if (byId("door").getAttribute("aria-busy") !== "true") does.password(text);
    });
    discover((wallets) => {
      this.#wallets = wallets;
      this.#showWallets();
    });
    this.#showWallets();
  }

  /** Whoever is signed in; null: nobody. */
  account(wallet) {
    byId("account").hidden = wallet === null;
    byId("account-wallet").textContent = wallet === null ? "" : shortAddress(wallet);
    byId("account-wallet").title = wallet ?? "";
  }

  /** @param {{title: string, text: string, detail: string}|null} told what the edge said */
  askToSignIn(told) {
    const title = told?.title ?? "This video is gated";
    this.#open("sign-in", title, told?.text ?? "Sign in with a wallet to see whether it opens for you.", told?.detail ?? "signed-out");
    this.#choose(this.#does.signIn, null);
  }

  /** The server has said no. */
  refuse(refused, { wasOpen, wallet }) {
    const conditions = refused.missing;
    const whose = wallet ? ` ${shortAddress(wallet)}` : "";
    const isRule = refused.code === "rule_not_met";
    const title = wasOpen ? "Playback was stopped" : isRule ? "This video does not open for you yet" : refused.title;
    const because = wasOpen ? `Your wallet${whose} does not meet the rule of this video any more. What is missing:` : `Your wallet${whose} does not meet its rule. What is missing:`;
    this.#open("refused", title, isRule && conditions.length > 0 ? because : refused.message, [refused.code, refused.status && `HTTP ${refused.status}`].filter(Boolean).join(" · "));
    byId("missing").replaceChildren(...conditions.map(missingItem));
    byId("missing").hidden = conditions.length === 0;
    byId("door-add").hidden = !isRule;
    byId("door-wallets").hidden = true;
    const takesPassword = PASSWORD_CODES.includes(refused.code) || asksForPassword(conditions);
    byId("door-password").hidden = !takesPassword;
    byId(takesPassword && !isRule ? "password" : "door-again").focus({ preventScroll: true });
  }

  /** Says what is going on, and keeps buttons from being pressed twice. */
  busy(text) {
    byId("trouble").hidden = false;
    byId("door").hidden = false;
    this.#say(text);
    this.#setBusy(true);
  }

  /** A wallet or the server would not; the choice is open again. */
  said(text) {
    this.#say(text);
    this.#setBusy(false);
  }

  close() {
    this.#setBusy(false);
    byId("door").hidden = true;
    byId("trouble").hidden = true;
    delete document.body.dataset.door;
    delete document.body.dataset.trouble;
  }

  #open(state, title, text, detail) {
    byId("trouble-title").textContent = title;
    byId("trouble-text").textContent = text;
    byId("trouble-detail").textContent = detail;
    byId("retry-actions").hidden = true;
    byId("missing").hidden = true;
    byId("missing").replaceChildren();
    byId("door-actions").hidden = state === "sign-in";
    byId("door-token").hidden = state !== "sign-in";
    byId("door-password").hidden = true;
    byId("door").hidden = false;
    byId("trouble").hidden = false;
    document.body.dataset.door = state;
    document.body.dataset.trouble = detail || title;
    this.#say("");
    this.#setBusy(false);
  }

  #choose(does, heading) {
    this.#chosen = does;
    byId("door-wallets-title").textContent = heading ?? "";
    byId("door-wallets-title").hidden = heading === null;
    byId("door-wallets").hidden = false;
    this.#say("");
    if (heading) byId("wallets").querySelector("button")?.focus();
  }

  #say(text) {
    byId("door-said").textContent = text;
  }

  #setBusy(isBusy) {
    byId("door").setAttribute("aria-busy", String(isBusy));
    for (const button of byId("door").querySelectorAll("button")) button.disabled = isBusy;
  }

  #showWallets() {
    const isBusy = byId("door").getAttribute("aria-busy") === "true";
    byId("wallets").replaceChildren(...walletItems(this.#wallets, (wallet) => this.#chosen(wallet), isBusy));
    byId("no-wallet").hidden = this.#wallets.length > 0;
  }
}
