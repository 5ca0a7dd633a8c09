// Sign-in by libraries that are not ours: what they write our reader takes, what we write they read, and both say the same of a signature.

import { generateKeyPairSync, sign as signEd25519 } from "node:crypto";
import { createSignInMessageText, parseSignInMessageText, verifySignIn } from "@solana/wallet-standard-util";
import { SiweMessage } from "siwe";
import { base58 } from "./base58.mjs";
import { hashTypedData, parseSignature, recoverAddress, serializeSignature, verifyMessage } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createSiweMessage, parseSiweMessage } from "viem/siwe";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

async function post(server, path, body, token) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(`${server.url}/api/v1/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json()) };
}

function is(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

function sorted(object) {
  return Object.entries(object).filter(([, value]) => value !== undefined).sort();
}

function domainOf(server) {
  return new URL(server.url).host;
}

/** Our text is read by viem and siwe, signed by viem, and opens a session. */
async function oursByViemAndSiwe(server) {
  const account = privateKeyToAccount(generatePrivateKey());
  const put = await post(server, "challenge", { address: account.address, chain: "eip155:137" });
  const [viem, siwe] = [parseSiweMessage(put.message), new SiweMessage(put.message)];
  for (const read of [viem, siwe]) {
    is([read.domain, read.address, read.chainId, read.nonce, read.uri], [put.domain, account.address, 137, put.nonce, `http://${put.domain}/`], "our text");
  }
  is(siwe.prepareMessage(), put.message, "siwe writes what we wrote");
  is(createSiweMessage(viem), put.message, "viem writes what we wrote");
  const signature = await account.signMessage({ message: put.message });
  const answer = await post(server, "login", { message: put.message, signature });
  is(answer.status, 200, `login ${answer.code}`);
  const verdict = await siwe.verify({ signature, domain: put.domain, nonce: put.nonce });
  is(verdict.success, true, "siwe agrees");
}

/** Texts of viem and siwe around our nonce open a session. */
async function theirs(server) {
  const account = privateKeyToAccount(generatePrivateKey());
  const fields = { domain: domainOf(server), address: account.address, uri: `${server.url}/watch`, version: "1", chainId: 1, statement: "Hello, I agree: https://a.b/c?d=e" };
  const optional = { requestId: "some_id", resources: ["https://example.com/a", "ipfs://bafy"] };
  for (const write of [
    (nonce) => createSiweMessage({ ...fields, ...optional, nonce }),
    (nonce) => createSiweMessage({ ...fields, scheme: "http", expirationTime: new Date(Date.now() + 60_000), notBefore: new Date(Date.now() - 1000), nonce }),
    (nonce) => new SiweMessage({ ...fields, ...optional, nonce }).prepareMessage(),
    (nonce) => new SiweMessage({ ...fields, statement: undefined, nonce }).prepareMessage(),
  ]) {
    const { nonce } = await post(server, "challenge", { address: account.address });
    const message = write(nonce);
    const answer = await post(server, "login", { message, signature: await account.signMessage({ message }) });
    is(answer.status, 200, `${answer.code} ${answer.detail}\n${message}`);
  }
}

/** eth_signTypedData_v4 and the plain text. */
async function typedAndPlain(server) {
  const account = privateKeyToAccount(generatePrivateKey());
  const asked = { address: account.address, chain: "eip155:10" };
  const typed = await post(server, "challenge", { ...asked, format: "eip712" });
  const signature = await account.signTypedData(typed.typed_data);
  is(await recoverAddress({ hash: hashTypedData(typed.typed_data), signature }), account.address, "viem");
  const one = await post(server, "login", { ...asked, format: "eip712", nonce: typed.nonce, signature });
  is(one.status, 200, `${one.code}`);
  const plain = await post(server, "challenge", { ...asked, format: "eip191" });
  const two = await post(server, "login", { ...asked, format: "eip191", nonce: plain.nonce, signature: await account.signMessage({ message: plain.message }) });
  is([two.status, two.account.id], [200, one.account.id], `${two.code}`);
}

/** The wallet standard's signIn, with Node's Ed25519. */
async function solana(server) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(12);
  const address = base58(key);
  const put = await post(server, "challenge", { address, chain: "solana:devnet" });
  is(createSignInMessageText(put.input), put.message, "the standard writes what we wrote");
  is(sorted(parseSignInMessageText(put.message)), sorted(put.input), "the standard reads what we wrote");
  const signedMessage = Buffer.from(createSignInMessageText(put.input));
  const signature = signEd25519(null, signedMessage, privateKey);
  const output = { account: { publicKey: new Uint8Array(key), address }, signedMessage: new Uint8Array(signedMessage), signature: new Uint8Array(signature) };
  is(verifySignIn(put.input, output), true, "the standard agrees");
  const body = { format: "siws", address, signed_message: signedMessage.toString("base64"), signature: signature.toString("base64") };
  const spoilt = Buffer.from(signature);
  spoilt[3] ^= 1;
  is((await post(server, "login", { ...body, signature: spoilt.toString("base64") })).code, "signin_signature", "spoilt");
  const answer = await post(server, "login", body);
  is(answer.status, 200, `${answer.code} ${answer.detail}`);
}

/** Verdicts on spoilt signatures are viem's, but for a high s, which viem takes and we do not. */
async function verdicts(server) {
  const account = privateKeyToAccount(generatePrivateKey());
  const { message } = await post(server, "challenge", { address: account.address });
  const good = await account.signMessage({ message });
  const { r, s, yParity } = parseSignature(good);
  const flip = (at) => `0x${(BigInt(good) ^ (1n << BigInt(at))).toString(16).padStart(130, "0")}`;
  const cases = [good.slice(0, -2), `${good}00`, `0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`, ...Array.from({ length: 64 }, (_, n) => flip(8 + n * 8))];
  for (const signature of cases) {
    const viems = await verifyMessage({ address: account.address, message, signature }).catch(() => false);
    is([viems, (await post(server, "login", { message, signature })).code], [false, "signin_signature"], signature);
  }
  const high = serializeSignature({ r, s: `0x${(ORDER - BigInt(s)).toString(16).padStart(64, "0")}`, yParity: 1 - yParity });
  const viems = await verifyMessage({ address: account.address, message, signature: high }).catch(() => false);
  is((await post(server, "login", { message, signature: high })).code, "signin_signature", "high s");
  is((await post(server, "login", { message, signature: good })).status, 200, "the good one");
  return `${cases.length + 1} refused, viem on a high s: ${viems}`;
}

export const SIGN_IN = { oursByViemAndSiwe, theirs, typedAndPlain, solana, verdicts };
