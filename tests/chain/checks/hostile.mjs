// Altered signatures, 10,000 or SIGNATURES=n, each judged by three: the server, viem, and @ambire/signature-validator, which asks the chain by
// a contract of its own. The server takes one exactly when viem recovers the address from it and it is spelled as wallets spell it (65 bytes,
// low s, v of 0, 1, 27 or 28). Where the two others are right they say the same: viem and Ambire's take a high s, Ambire's takes no v of 0 and 1.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import validator from "@ambire/signature-validator";
import { bytesToHex, hexToBytes, recoverMessageAddress } from "viem";
import { Viewer } from "../viewer.mjs";

const SIGNATURES = Number(process.env.SIGNATURES ?? 10_000);
const AT_ONCE = 24;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** One way to alter a signature. */
function altered(good) {
  const bytes = Uint8Array.from(good);
  switch (randomInt(7)) {
    case 0: bytes[randomInt(65)] ^= 1 << randomInt(8); return bytes;
    case 1: return bytes.slice(0, randomInt(66));
    case 2: return Uint8Array.from([...bytes, ...randomBytes(randomInt(1, 40))]);
    case 3: bytes[64] = randomInt(256); return bytes;
    case 4: return Uint8Array.from(randomBytes(65));
    case 5: return mirrored(bytes);
    default: bytes.set(randomInt(2) ? new Uint8Array(32) : new Uint8Array(32).fill(255), randomInt(2) * 32); return bytes;
  }
}

/** The other half of the curve, which recovers to the same address. */
function mirrored(bytes) {
  const s = ORDER - BigInt(bytesToHex(bytes.slice(32, 64)));
  return Uint8Array.from([...bytes.slice(0, 32), ...hexToBytes(`0x${s.toString(16).padStart(64, "0")}`), bytes[64] === 27 ? 28 : 27]);
}

/** Asks the chain for what Ambire's validator wants to know; what comes together goes as one request. */
class Provider {
  constructor(url) {
    this.url = url;
    this.waiting = [];
  }

  call({ data }) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ data, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => this.ask(this.waiting.splice(0)));
    });
  }

  async ask(calls) {
    const body = calls.map(({ data }, id) => ({ jsonrpc: "2.0", id, method: "eth_call", params: [{ data }, "latest"] }));
    try {
      const answer = await fetch(this.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      const said = await answer.json();
      for (const { id, result, error } of said) {
        if (error) calls[id].reject(new Error(error.message));
        else calls[id].resolve(result);
      }
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }
}

/** What Ambire's says; it throws at what is no signature. */
async function ambires(provider, message, bytes, signer) {
  return validator.verifyMessage({ provider, signer, message, signature: bytesToHex(bytes) }).catch((error) => {
    if (/SignatureValidator|revert|Unexpected result/i.test(error.message)) return false;
    throw error;
  });
}

/** What it says where it is right; `undefined` where it is known to be wrong: a high s, and other ways to write v. */
function whereRight(bytes, said) {
  if (bytes.length === 65 && (bytes[64] < 27 || BigInt(bytesToHex(bytes.slice(32, 64))) > HALF)) return undefined;
  return said;
}

async function isRight(message, bytes, address) {
  if (bytes.length !== 65 || ![0, 1, 27, 28].includes(bytes[64])) return false;
  if (BigInt(bytesToHex(bytes.slice(32, 64))) > HALF) return false;
  return recoverMessageAddress({ message, signature: bytesToHex(bytes) }).then((found) => found === address, () => false);
}

export async function hostileSignatures({ origin, chain }) {
  let [taken, high, compared] = [0, 0, 0];
  const provider = new Provider(chain.url);
  const some = async (count) => {
    const viewer = new Viewer(origin);
    let { message } = await viewer.challenge();
    let good = hexToBytes(await viewer.account.signMessage({ message }));
    for (let n = 0; n < count; n += 1) {
      const bytes = altered(good);
      const wanted = await isRight(message, bytes, viewer.address);
      const ambire = await ambires(provider, message, bytes, viewer.address);
      const other = whereRight(bytes, ambire);
      if (other !== undefined) {
        assert.equal(other, wanted, `Ambire's about ${bytesToHex(bytes)} over ${message}`);
        compared += 1;
      } else if (ambire) high += 1;
      const { status, body } = await origin.ask("POST", "auth/login", { message, signature: bytesToHex(bytes) }, "");
      assert.equal(status, wanted ? 200 : 403, `${bytesToHex(bytes)} over ${message}: ${JSON.stringify(body)}`);
      if (!wanted) continue;
      // A challenge is answered once.
      taken += 1;
      ({ message } = await viewer.challenge());
      good = hexToBytes(await viewer.account.signMessage({ message }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => some(Math.ceil(SIGNATURES / AT_ONCE))));
  assert.ok(high > 0, "no high s was tried that others take");
  return `${SIGNATURES} signatures, ${taken} right, ${compared} by Ambire\'s as well, ${high} with a high s that it takes and we do not`;
}
