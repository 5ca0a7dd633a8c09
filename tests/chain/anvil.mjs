// A chain of our own: anvil on a free port, a block for every transaction, ended by its process id.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createTestClient, getAddress, getContract, http, publicActions, walletActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import { compile } from "./contracts.mjs";
import { freePort, until } from "./wait.mjs";

const require = createRequire(import.meta.url);
const PROGRAM = require.resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
/** The first account that anvil gives coins to; its key is public, and signs for everything that costs gas. */
const RICH = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

export class Chain {
  static async start() {
    const chain = new Chain();
    chain.compiled = compile();
    const port = await freePort();
    chain.url = `http://127.0.0.1:${port}`;
    chain.child = spawn(PROGRAM, ["--port", String(port), "--silent"], { stdio: "ignore" });
    chain.gone = new Promise((resolve) => chain.child.once("exit", resolve));
    const transport = http(chain.url, { retryCount: 0 });
    chain.client = createTestClient({ mode: "anvil", chain: foundry, transport, account: RICH, pollingInterval: 20 })
      .extend(publicActions).extend(walletActions);
    await until("anvil answers", () => chain.client.getBlockNumber().then(() => true, () => false));
    return chain;
  }

  /** Puts a contract on the chain; `write` and `read` of what is returned are its functions. */
  async deploy(name, args = []) {
    const { abi, bytecode } = this.compiled[name];
    const hash = await this.client.deployContract({ abi, bytecode, args });
    const { contractAddress } = await this.client.waitForTransactionReceipt({ hash });
    return this.at(name, contractAddress);
  }

  at(name, address) {
    return getContract({ address: getAddress(address), abi: this.compiled[name].abi, client: this.client });
  }

  /** Waits until a transaction is in a block; one that reverted is an error. */
  async mined(sent) {
    const receipt = await this.client.waitForTransactionReceipt({ hash: await sent });
    if (receipt.status !== "success") throw new Error(`reverted: ${receipt.transactionHash}`);
    return receipt;
  }

  /** Gives an account coins for gas, and sends from it as its key would. */
  async as(address) {
    await this.client.setBalance({ address, value: 10n ** 18n });
    await this.client.impersonateAccount({ address });
    return { account: address };
  }

  async end() {
    this.child.kill("SIGKILL");
    await this.gone;
  }
}
