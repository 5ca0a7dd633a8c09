// `streamgate origin` and `streamgate edge` of our own: free ports, a new data folder, ended by their process ids.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./wait.mjs";

const LAST_WORDS = 4_000;

/** One process of the binary, with a configuration file of its own. */
class Process {
  async run(binary, command, folder, name, toml, url) {
    const config = join(folder, `${name}.toml`);
    await writeFile(config, toml);
    this.url = url;
    this.child = spawn(binary, [command, "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
    this.words = "";
    this.child.stderr.on("data", (chunk) => { this.words = (this.words + chunk).slice(-LAST_WORDS); });
    this.gone = new Promise((resolve) => this.child.once("exit", resolve));
  }

  /** Until it answers at its address. */
  async up(path) {
    await until(`${this.url} answers`, async () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.words}`);
      return fetch(this.url + path).then(() => true, () => false);
    });
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.gone;
  }
}

export class Origin extends Process {
  /**
   * An origin that reads the chain at `rpc`; `gate`: more lines of its section; `more`: more keys of the chain; `solana`: keys of a
   * cluster of Solana.
   */
  static async start(binary, rpc, gate = "", more = "", solana = undefined) {
    const origin = new Origin();
    origin.binary = binary;
    origin.data = await mkdtemp(join(tmpdir(), "streamgate-chain-"));
    origin.port = await freePort();
    origin.toml = `[storage]\ndata = ${JSON.stringify(origin.data)}\n[origin]\nlisten = "127.0.0.1:${origin.port}"\n` +
      `[gate]\nchains = [{ name = "anvil", rpc = [${JSON.stringify(rpc)}]${more} }${solana ? `, { name = "solana-localnet", rpc = ${JSON.stringify(solana.rpc)}, quorum = ${solana.quorum ?? 1} }` : ""}]\n${gate}`;
    await origin.again();
    origin.key = (await readFile(join(origin.data, "keys/api.key"), "utf8")).trim();
    return origin;
  }

  /** Starts it, after `kill` with the same data. */
  async again() {
    await this.run(this.binary, "origin", this.data, "origin", this.toml, `http://127.0.0.1:${this.port}`);
    await this.up("/healthz");
  }

  /** The keys that tokens of this origin are checked with. */
  tokenKeys() {
    return execFileSync(this.binary, ["token", "key", "--config", join(this.data, "origin.toml")], { encoding: "utf8" }).trim().split("\n");
  }

  /** A token by the command line: of no row, for whomever. */
  token(title, subject, seconds = 600) {
    const words = ["token", "mint", title, "--ttl", String(seconds), "--subject", subject, "--config", join(this.data, "origin.toml")];
    return execFileSync(this.binary, words, { encoding: "utf8" }).trim();
  }

  /** An edge of this origin; `keys`: those that its configuration names. */
  async edge(gate = "", keys = this.tokenKeys()) {
    const edge = new Edge();
    const port = await freePort();
    const edgeKey = (await readFile(join(this.data, "keys/edge.key"), "utf8")).trim();
    const toml = `[edge]\nhttp = "127.0.0.1:${port}"\nadmin = ""\nshards = 1\nram = "64 MiB"\n` +
      `[upstream]\nurl = "${this.url}"\nedge_key = "${edgeKey}"\n[gate]\nkeys = ${JSON.stringify(keys)}\n${gate}`;
    await edge.run(this.binary, "edge", this.data, `edge-${port}`, toml, `http://127.0.0.1:${port}`);
    await edge.up("/v/none/master.m3u8");
    return edge;
  }

  /** A request to the API: `{ status, body }`. */
  async ask(method, path, body, token = this.key) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
    if (!token) delete headers.authorization;
    const answer = await fetch(`${this.url}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  /** The same, which must succeed. */
  async api(method, path, body, token) {
    const answer = await this.ask(method, path, body, token);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A new asset of these bytes. */
  async upload(bytes, query = "") {
    const headers = { authorization: `Bearer ${this.key}` };
    const answer = await fetch(`${this.url}/api/v1/upload?${query}`, { method: "POST", headers, body: bytes });
    const said = await answer.json();
    if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${JSON.stringify(said)}`);
    return said.id;
  }

  /** A gated asset without pictures: enough to ask who may watch it. */
  async titled(rule, more = {}) {
    const id = await this.upload("no video at all");
    await this.api("PUT", `content/${id}/gating-rules`, { rule, ...more });
    return id;
  }

  async end() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}

class Edge extends Process {
  /** How it answers for a path: `{ status, reason }`. */
  async get(path) {
    const answer = await fetch(this.url + path);
    await answer.arrayBuffer();
    return { status: answer.status, reason: answer.headers.get("streamgate-refusal") ?? "" };
  }
}
