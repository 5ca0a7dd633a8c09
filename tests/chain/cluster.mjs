// A cluster of our own: litesvm with the real programs of SPL Token and Token-2022, behind as much JSON-RPC as the server asks for. A slot every
// 100 ms, each at once confirmed and final. The programs of Metaplex are not in it: their accounts are put there, as the official
// serializers write them.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { address, appendTransactionMessageInstructions, createTransactionMessage, generateKeyPairSigner, getAddressEncoder, getProgramDerivedAddress, lamports, pipe, setTransactionMessageFeePayerSigner, signTransactionMessageWithSigners } from "@solana/kit";
import { getCreateAccountInstruction } from "@solana-program/system";
import { findAssociatedTokenPda, getCreateAssociatedTokenIdempotentInstruction, getFreezeAccountInstruction, getInitializeAccount3Instruction, getInitializeMint2Instruction, getMintToInstruction, getTokenDecoder, getTransferInstruction } from "@solana-program/token";
import { publicKey } from "@metaplex-foundation/umi";
import { FailedTransactionMetadata, LiteSVM } from "litesvm";

const require = createRequire(import.meta.url);
const { getMetadataAccountDataSerializer } = require("@metaplex-foundation/mpl-token-metadata");
// What the package shows reads these accounts; what writes them stands deeper.
const types = join(dirname(require.resolve("@metaplex-foundation/mpl-core")), "generated/types");
const { getAssetV1AccountDataSerializer } = require(join(types, "assetV1AccountData.js"));
const { getCollectionV1AccountDataSerializer } = require(join(types, "collectionV1AccountData.js"));

export const TOKEN = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
export const TOKEN_2022 = address("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const METADATA = address("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");
const CORE = address("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d");
const SYSTEM = address("11111111111111111111111111111111");
const SLOT_MS = 100;
const MINT_BYTES = 82n;
const ACCOUNT_BYTES = 165n;
/** Of one question, as nodes have it. */
const ACCOUNTS_MAX = 100;

export class Cluster {
  static async start() {
    const cluster = new Cluster();
    cluster.svm = new LiteSVM();
    cluster.payer = await generateKeyPairSigner();
    cluster.svm.airdrop(cluster.payer.address, lamports(10n ** 12n));
    cluster.tick();
    cluster.clock = setInterval(() => cluster.tick(), SLOT_MS);
    cluster.node = await ClusterNode.start(cluster);
    return cluster;
  }

  get slot() {
    return this.svm.getClock().slot;
  }

  tick() {
    if (this.stands) return;
    const clock = this.svm.getClock();
    clock.slot += 1n;
    clock.unixTimestamp = BigInt(Math.floor(Date.now() / 1000));
    this.svm.setClock(clock);
  }

  answer(method, params) {
    const options = params.at(-1);
    if (options?.minContextSlot > this.slot) throw tooEarly();
    const told = (value) => ({ context: { slot: Number(this.slot), apiVersion: "3.0.0" }, value });
    const row = (account) => account && account.exists !== false
      ? { data: [sliced(account.data, options?.dataSlice).toString("base64"), "base64"], owner: account.programAddress, lamports: Number(account.lamports), executable: false, rentEpoch: 0, space: account.data.length }
      : null;
    const placed = (account) => ({ pubkey: account.address, account: row(account) });
    const owned = (program, is) => this.svm.getProgramAccounts(address(program)).filter(({ data }) => is(Buffer.from(data))).map(placed);
    switch (method) {
      case "getGenesisHash": return "GH7ome3EiwEr7tu9JuTh2dpYWBJK3z69Xm1ZE3MEE6JC";
      case "getAccountInfo": return told(row(this.svm.getAccount(address(params[0]))));
      case "getMultipleAccounts":
        if (params[0].length > ACCOUNTS_MAX) throw new Error("Too many inputs provided");
        return told(params[0].map((key) => row(this.svm.getAccount(address(key)))));
      case "getTokenAccountsByOwner": {
        const { mint, programId } = params[1];
        const program = programId ?? this.svm.getAccount(address(mint)).programAddress;
        const [owner, of] = [bytes(params[0]), mint && bytes(mint)];
        return told(owned(program, (data) => isAccount(data) && data.subarray(32, 64).equals(owner) && (!of || data.subarray(0, 32).equals(of))));
      }
      case "getProgramAccounts": {
        const [{ memcmp }] = options.filters;
        const front = base58(memcmp.bytes);
        return told(owned(params[0], (data) => data.subarray(memcmp.offset, memcmp.offset + front.length).equals(front)));
      }
      default: throw Object.assign(new Error("Method not found"), { code: -32601 });
    }
  }

  async send(instructions) {
    const message = pipe(
      createTransactionMessage({ version: 0 }),
      (it) => setTransactionMessageFeePayerSigner(this.payer, it),
      (it) => this.svm.setTransactionMessageLifetimeUsingLatestBlockhash(it),
      (it) => appendTransactionMessageInstructions(instructions, it),
    );
    const sent = this.svm.sendTransaction(await signTransactionMessageWithSigners(message));
    this.svm.expireBlockhash();
    if (sent instanceof FailedTransactionMetadata) throw new Error(sent.toString());
  }

  async made(space, programAddress, more) {
    const newAccount = await generateKeyPairSigner();
    const made = getCreateAccountInstruction({ payer: this.payer, newAccount, lamports: this.svm.minimumBalanceForRentExemption(space), space, programAddress });
    await this.send([made, ...more(newAccount.address)]);
    return newAccount.address;
  }

  /** A new mint of a program, whose tokens we make. */
  mint(program, decimals = 0) {
    return this.made(MINT_BYTES, program, (mint) => [
      getInitializeMint2Instruction({ mint, decimals, mintAuthority: this.payer.address, freezeAuthority: this.payer.address }, { programAddress: program }),
    ]);
  }

  /** Where a wallet is expected to have tokens of a mint. */
  async expected(program, mint, owner) {
    return (await findAssociatedTokenPda({ owner, mint, tokenProgram: program }))[0];
  }

  /** The same, made when it is not there. */
  async place(program, mint, owner) {
    const ata = await this.expected(program, mint, owner);
    await this.send([getCreateAssociatedTokenIdempotentInstruction({ payer: this.payer, ata, owner, mint, tokenProgram: program })]);
    return ata;
  }

  /** A second account of a wallet. */
  otherPlace(program, mint, owner) {
    return this.made(ACCOUNT_BYTES, program, (account) => [getInitializeAccount3Instruction({ account, mint, owner }, { programAddress: program })]);
  }

  async give(program, mint, owner, amount, token = undefined) {
    const to = token ?? (await this.place(program, mint, owner));
    await this.send([getMintToInstruction({ mint, token: to, mintAuthority: this.payer, amount }, { programAddress: program })]);
  }

  async freeze(program, mint, owner) {
    const account = await this.place(program, mint, owner);
    await this.send([getFreezeAccountInstruction({ account, mint, owner: this.payer }, { programAddress: program })]);
  }

  /** `from` is a signer. */
  async transfer(program, mint, from, to, amount) {
    const [source, destination] = [await this.place(program, mint, from.address), await this.place(program, mint, to)];
    await this.send([getTransferInstruction({ source, destination, authority: from, amount }, { programAddress: program })]);
  }

  put(key, programAddress, data) {
    this.svm.setAccount({ address: address(key), programAddress, data, lamports: lamports(10n ** 9n), executable: false, space: BigInt(data.length) });
  }

  async metadataOf(mint) {
    const seeds = ["metadata", getAddressEncoder().encode(METADATA), getAddressEncoder().encode(address(mint))];
    return (await getProgramDerivedAddress({ programAddress: METADATA, seeds }))[0];
  }

  /** Puts down what Token Metadata would: a token, of a collection or not. */
  async describe(mint, collection, verified = true, tokenStandard = 0) {
    const of = collection ? { verified, key: publicKey(collection) } : null;
    const data = getMetadataAccountDataSerializer().serialize({
      key: 4, updateAuthority: publicKey(this.payer.address), mint: publicKey(mint), name: "Seal", symbol: "SEAL", uri: "https://seals.example/1",
      sellerFeeBasisPoints: 500, creators: [{ address: publicKey(this.payer.address), verified: true, share: 100 }], primarySaleHappened: false,
      isMutable: true, editionNonce: 255, tokenStandard, collection: of, uses: null, collectionDetails: null, programmableConfig: null,
    });
    this.put(await this.metadataOf(mint), METADATA, Uint8Array.from([...data, ...new Uint8Array(607 - data.length)]));
  }

  /** One token of a collection of Token Metadata. */
  async nft(owner, collection, verified = true, program = TOKEN) {
    const mint = await this.mint(program);
    await this.describe(mint, collection, verified);
    await this.give(program, mint, owner, 1n);
    return mint;
  }

  /** An account of Core. */
  async collection() {
    const { address: key } = await generateKeyPairSigner();
    const fields = { key: 5, updateAuthority: publicKey(this.payer.address), name: "Crew", uri: "https://crew.example", numMinted: 1, currentSize: 1 };
    this.put(key, CORE, getCollectionV1AccountDataSerializer().serialize(fields));
    return key;
  }

  /** An asset of Core; again with its key, it is somebody else's. */
  async asset(owner, collection, key = undefined, kind = "Collection") {
    const at = key ?? (await generateKeyPairSigner()).address;
    const updateAuthority = { __kind: kind, fields: [publicKey(collection)] };
    const fields = { key: 1, updateAuthority, owner: publicKey(owner), name: "Crew #1", uri: "https://crew.example/1", seq: null };
    this.put(at, CORE, getAssetV1AccountDataSerializer().serialize(fields));
    return at;
  }

  /** Readers of others, for the oracle. */
  oracle() {
    const decoder = getTokenDecoder();
    const all = (program) => this.svm.getProgramAccounts(program).map(({ data }) => Buffer.from(data));
    const fetchAllOf = (program, owner) => all(program).filter(isAccount).map((data) => decoder.decode(data.subarray(0, 165))).filter((one) => one.owner === owner);
    const assets = getAssetV1AccountDataSerializer();
    const assetsOf = (owner) => all(CORE).filter((data) => data[0] === 1).map((data) => assets.deserialize(data)[0])
      .filter((one) => one.owner === owner && one.updateAuthority.__kind === "Collection").map((one) => one.updateAuthority.fields[0]);
    return { fetchAllOf, assetsOf };
  }

  /** The collection that has confirmed a mint, as the official reader has it. */
  async collectionOf(mint) {
    const account = this.svm.getAccount(await this.metadataOf(mint));
    if (!account.exists || account.programAddress !== METADATA) return null;
    const [{ collection }] = getMetadataAccountDataSerializer().deserialize(account.data);
    return collection.__option === "Some" && collection.value.verified ? collection.value.key : null;
  }

  gone(key) {
    this.put(key, SYSTEM, new Uint8Array());
  }

  async end() {
    clearInterval(this.clock);
    await this.node.end();
  }
}

/** One of the endpoints of a cluster. */
export class ClusterNode {
  /** Changes an answer before it is sent: `(method, params, result) => result`; `undefined`: as it is. */
  lie = () => undefined;
  /** `silent`: takes questions and never answers; `dead`: ends each connection. */
  state = "up";
  /** Every second question goes to a node that is so many slots behind. */
  behind = 0n;
  turn = 0;
  /** How many questions were asked, by method. */
  asked = {};

  static async start(cluster) {
    const node = Object.assign(new ClusterNode(), { cluster });
    node.server = createServer((request, response) => node.serve(request, response));
    await new Promise((resolve) => node.server.listen(0, "127.0.0.1", resolve));
    node.url = `http://127.0.0.1:${node.server.address().port}`;
    return node;
  }

  async serve(request, response) {
    let text = "";
    for await (const piece of request) text += piece;
    if (this.state === "dead") request.socket.destroy();
    if (this.state !== "up") return;
    const { id, method, params } = JSON.parse(text);
    this.asked[method] = (this.asked[method] ?? 0) + 1;
    let body;
    try {
      this.turn += 1;
      if (this.turn % 2 === 0 && params.at(-1)?.minContextSlot > this.cluster.slot - this.behind) throw tooEarly();
      const honest = this.cluster.answer(method, params);
      const lie = this.lie(method, params, structuredClone(honest));
      body = typeof lie === "string" ? lie : JSON.stringify({ jsonrpc: "2.0", id, result: lie === undefined ? honest : lie });
    } catch (error) {
      body = JSON.stringify({ jsonrpc: "2.0", id, error: { code: error.code ?? -32602, message: error.message } });
    }
    response.end(body);
  }

  async end() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const sliced = (data, slice) => (slice ? Buffer.from(data).subarray(slice.offset, slice.offset + slice.length) : Buffer.from(data));
const tooEarly = () => Object.assign(new Error("Minimum context slot has not been reached"), { code: -32016 });
const bytes = (key) => Buffer.from(getAddressEncoder().encode(address(key)));
const isAccount = (data) => data.length === 165 || (data.length > 165 && data[165] === 2);

function base58(text) {
  const letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let number = 0n;
  for (const letter of text) number = number * 58n + BigInt(letters.indexOf(letter));
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}
