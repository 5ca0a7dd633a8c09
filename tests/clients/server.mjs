// A `streamgate origin` of our own: a free port that stays the same over kills, a new data folder, ended by its process id.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STARTED_WITHIN_MS = 60_000;

export class Server {
  /** `settings`: more variables of its environment. */
  static async start(binary, settings = {}) {
    const server = new Server();
    server.binary = binary;
    server.settings = settings;
    server.data = await mkdtemp(join(tmpdir(), "streamgate-clients-"));
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    await server.run();
    server.key = (await readFile(join(server.data, "keys/api.key"), "utf8")).trim();
    return server;
  }

  /** Starts the process and waits until it answers. */
  async run() {
    const env = {
      ...process.env,
      STREAMGATE_STORAGE__DATA: this.data,
      STREAMGATE_ORIGIN__LISTEN: `127.0.0.1:${this.port}`,
      STREAMGATE_WEBHOOKS__PRIVATE: "127.0.0.0/8",
      ...this.settings,
    };
    this.child = spawn(this.binary, ["origin"], { env, stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    this.child.stderr.on("data", (chunk) => { words = (words + chunk).slice(-4000); });
    const gone = new Promise((resolve) => this.child.once("exit", () => resolve("gone")));
    this.gone = gone;
    const end = Date.now() + STARTED_WITHIN_MS;
    while (Date.now() < end) {
      if (this.child.exitCode !== null) throw new Error(`the origin ended: ${words}`);
      const answered = await fetch(`${this.url}/healthz`).then((answer) => answer.ok, () => false);
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the origin does not answer: ${words}`);
  }

  /** `kill -9`. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.gone;
  }

  async end() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  async api(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}`, "content-type": "application/json" };
    const answer = await fetch(`${this.url}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text && JSON.parse(text);
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
