// Somebody with a wallet of Solana: signs in as the wallet standard does, and asks to watch.

import { generateKeyPairSigner, signBytes } from "@solana/kit";
import { Viewer } from "./viewer.mjs";

export class SolanaViewer extends Viewer {
  static async new(origin) {
    const signer = await generateKeyPairSigner();
    return Object.assign(new SolanaViewer(origin, signer), { signer });
  }

  async answer() {
    const asked = await this.origin.api("POST", "auth/challenge", { address: this.address, chain: "solana:localnet" }, "");
    return this.origin.ask("POST", "auth/login", await this.proof(asked), "");
  }

  /** Proves itself to the account of somebody else's token. */
  async link(token) {
    const asked = await this.origin.api("POST", "auth/wallets/challenge", { address: this.address, chain: "solana:localnet" }, token);
    return this.origin.ask("POST", "auth/wallets", await this.proof(asked), token);
  }

  async proof({ message }) {
    const signed = Buffer.from(message);
    const signature = Buffer.from(await signBytes(this.signer.keyPair.privateKey, signed));
    return { format: "siws", address: this.address, signed_message: signed.toString("base64"), signature: signature.toString("base64") };
  }
}
