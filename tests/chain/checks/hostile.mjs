// Altered signatures, 2,000 or SIGNATURES=n: the server takes one exactly when viem recovers the address from it and it is spelled as wallets spell
// it (65 bytes, low s, v of 0, 1, 27 or 28; viem takes a high s, we do not).

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { bytesToHex, hexToBytes, recoverMessageAddress } from "viem";
import { Viewer } from "../viewer.mjs";

const SIGNATURES = Number(process.env.SIGNATURES ?? 2_000);
const AT_ONCE = 16;
const HALF = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** One way to alter a signature. */
function altered(good) {
  const bytes = Uint8Array.from(good);
  switch (randomInt(6)) {
    case 0: bytes[randomInt(65)] ^= 1 << randomInt(8); return bytes;
    case 1: return bytes.slice(0, randomInt(66));
    case 2: return Uint8Array.from([...bytes, ...randomBytes(randomInt(1, 40))]);
    case 3: bytes[64] = randomInt(256); return bytes;
    case 4: return Uint8Array.from(randomBytes(65));
    default: bytes.set(randomInt(2) ? new Uint8Array(32) : new Uint8Array(32).fill(255), randomInt(2) * 32); return bytes;
  }
}

async function isRight(message, bytes, address) {
  if (bytes.length !== 65 || ![0, 1, 27, 28].includes(bytes[64])) return false;
  if (BigInt(bytesToHex(bytes.slice(32, 64))) > HALF) return false;
  return recoverMessageAddress({ message, signature: bytesToHex(bytes) }).then((found) => found === address, () => false);
}

export async function hostileSignatures({ origin }) {
  let taken = 0;
  const some = async (count) => {
    const viewer = new Viewer(origin);
    let { message } = await viewer.challenge();
    let good = hexToBytes(await viewer.account.signMessage({ message }));
    for (let n = 0; n < count; n += 1) {
      const bytes = altered(good);
      const wanted = await isRight(message, bytes, viewer.address);
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
  return `${SIGNATURES} signatures, ${taken} right`;
}
