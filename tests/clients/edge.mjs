// A `streamgate edge` of our own in front of a server, and a gated title behind it.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server.mjs";

export class Edge {
  /** `lines`: more of its section `[edge]`; `keys`: what it checks tokens with, the server's where it is not said; `gate`: more of its section `[gate]`. */
  static async start(server, lines = "", keys = [serverKey(server)], gate = "") {
    const edge = new Edge();
    edge.folder = await mkdtemp(join(tmpdir(), "streamgate-edge-"));
    edge.port = await freePort();
    const edgeKey = (await readFile(join(server.data, "keys/edge.key"), "utf8")).trim();
    const config = join(edge.folder, "edge.toml");
    await writeFile(config, `[edge]\nhttp = "127.0.0.1:${edge.port}"\nadmin = ""\nshards = 1\nram = "64 MiB"\n${lines}` +
      `[upstream]\nurl = "${server.url}"\nedge_key = "${edgeKey}"\n[gate]\nkeys = ${JSON.stringify(keys)}\n${gate}`);
    edge.child = spawn(server.binary, ["edge", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
    edge.gone = new Promise((resolve) => edge.child.once("exit", resolve));
    edge.words = "";
    edge.child.stderr.on("data", (chunk) => { edge.words = (edge.words + chunk).slice(-4000); });
    for (let tries = 0; !(await edge.ask("/v/none/master.m3u8").catch(() => null)); tries += 1) {
      if (edge.child.exitCode !== null || tries > 2000) throw new Error(`no edge: ${edge.words}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return edge;
  }

  /** A request whose path is sent as it stands here. */
  ask(path, headers = {}) {
    return new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port: this.port, path, headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (chunk) => { body += chunk; });
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
      });
      asked.on("error", reject).end();
    });
  }

  async end() {
    this.child.kill("SIGKILL");
    await this.gone;
    await rm(this.folder, { recursive: true, force: true });
  }
}

function serverKey(server) {
  const env = { ...process.env, STREAMGATE_STORAGE__DATA: server.data };
  return execFileSync(server.binary, ["token", "key"], { encoding: "utf8", env }).trim();
}

/** Uploads a film, gates it, and waits until it plays. */
export async function gated(server, film) {
  const headers = { authorization: `Bearer ${server.key}` };
  const { id } = await (await fetch(`${server.url}/api/v1/upload?title=film`, { method: "POST", headers, body: film })).json();
  await server.api("POST", `content/${id}`, { visibility: "gated" });
  for (;;) {
    const { state } = await server.api("GET", `transcode/status/${id}`);
    if (state === "failed") throw new Error("the film was not taken");
    if (state === "playable" || state === "ready") return id;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
