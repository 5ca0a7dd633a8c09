// Somebody with a wallet: signs in as a page would, and asks to watch.

import { createSiweMessage } from "viem/siwe";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

export class Viewer {
  /** A new wallet, or the one of this account. */
  constructor(origin, account = privateKeyToAccount(generatePrivateKey())) {
    this.origin = origin;
    this.account = account;
    this.address = account.address;
  }

  /** What the server asks to be signed. */
  challenge(more = {}) {
    return this.origin.api("POST", "auth/challenge", { address: this.address, chain: "eip155:31337", ...more }, "");
  }

  /** The answer to a challenge that was signed by viem. */
  async answer() {
    const { message } = await this.challenge();
    const signature = await this.account.signMessage({ message });
    return this.origin.ask("POST", "auth/login", { message, signature }, "");
  }

  async signIn() {
    const { status, body } = await this.answer();
    if (status !== 200) throw new Error(`login: ${status} ${JSON.stringify(body)}`);
    this.token = body.access_token;
    return this;
  }

  watch(id) {
    return this.origin.ask("POST", `content/${id}/watch`, undefined, this.token);
  }
}

/** A text of EIP-4361 as viem writes it, around a nonce of the server's. */
export function text(viewer, { nonce, domain, uri }) {
  return createSiweMessage({ address: viewer.address, chainId: 31337, domain, nonce, uri, version: "1" });
}
