// Somebody with a wallet of Solana: signs in as the wallet standard does, and asks to watch.

import { generateKeyPairSigner, signBytes } from "@solana/kit";
import { Viewer } from "./viewer.mjs";

export class SolanaViewer extends Viewer {
  static async new(origin) {
    const signer = await generateKeyPairSigner();
    return Object.assign(new SolanaViewer(origin, signer), { signer });
  }

  async answer() {
    const { message } = await this.origin.api("POST", "auth/challenge", { address: this.address, chain: "solana:localnet" }, "");
    const signed = Buffer.from(message);
    const signature = Buffer.from(await signBytes(this.signer.keyPair.privateKey, signed));
    const proof = { format: "siws", address: this.address, signed_message: signed.toString("base64"), signature: signature.toString("base64") };
    return this.origin.ask("POST", "auth/login", proof, "");
  }
}
