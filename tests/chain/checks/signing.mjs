// What viem signs signs in, and nothing else does.

import assert from "node:assert/strict";
import { hexToBytes, bytesToHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { Viewer, text } from "../viewer.mjs";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export async function signing({ origin }) {
  const viewer = await new Viewer(origin).signIn();
  const profile = await origin.api("GET", "auth/profile", undefined, viewer.token);
  assert.equal(profile.wallets[0].address, viewer.address);

  // A text that the page writes itself, around the server's nonce.
  const { nonce } = await viewer.challenge();
  const domain = new URL(origin.url).host;
  const message = text(viewer, { nonce, domain, uri: `${origin.url}/` });
  const good = await viewer.account.signMessage({ message });
  const login = (message, signature) => origin.ask("POST", "auth/login", { message, signature }, "");

  const bytes = hexToBytes(good);
  const high = hexToBytes(`0x${(ORDER - BigInt(bytesToHex(bytes.slice(32, 64)))).toString(16).padStart(64, "0")}`);
  const mirrored = bytesToHex(new Uint8Array([...bytes.slice(0, 32), ...high, bytes[64] === 27 ? 28 : 27]));
  const stranger = await privateKeyToAccount(generatePrivateKey()).signMessage({ message });
  for (const [what, signature] of Object.entries({ mirrored, stranger, cut: good.slice(0, -2), long: `${good}00`, empty: "0x" })) {
    const { status, body } = await login(message, signature);
    assert.deepEqual([status, body.code], [403, "signin_signature"], `${what}: ${JSON.stringify(body)}`);
  }
  assert.equal((await login(message, good)).status, 200);
  assert.equal((await login(message, good)).body.code, "signin_used", "a second time");
}

export async function typedData({ origin }) {
  const viewer = new Viewer(origin);
  const asked = await viewer.challenge({ format: "eip712" });
  const proof = { format: "eip712", address: viewer.address, chain: asked.chain, nonce: asked.nonce, domain: asked.domain };
  const sign = (data) => viewer.account.signTypedData(data);
  const login = (signature) => origin.ask("POST", "auth/login", { ...proof, signature }, "");
  const { typed_data: data } = asked;
  for (const [field, value] of [["statement", "Give me your coins"], ["domain", "evil.example"], ["nonce", `${asked.nonce.slice(0, -1)}_`]]) {
    const altered = await sign({ ...data, message: { ...data.message, [field]: value } });
    assert.equal((await login(altered)).status, 403, field);
  }
  assert.equal((await login(await sign({ ...data, domain: { ...data.domain, chainId: 1 } }))).status, 403, "another chain");
  assert.equal((await login(await sign(data))).status, 200);
}

export async function plainText({ origin }) {
  const viewer = new Viewer(origin);
  const asked = await viewer.challenge({ format: "eip191" });
  const proof = { format: "eip191", address: viewer.address, chain: asked.chain, nonce: asked.nonce, domain: asked.domain };
  const signature = await viewer.account.signMessage({ message: asked.message });
  assert.equal((await origin.ask("POST", "auth/login", { ...proof, signature }, "")).status, 200);
}
