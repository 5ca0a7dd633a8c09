// A `streamgate demo` of our own: free ports, a new data folder, ended by its process id.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Until everything is published: a 12 s clip on a slow machine without SIMD. */
const PUBLISHED_WITHIN_MS = 300_000;
const DRAINED_WITHIN_MS = 15_000;
/** How much of the program's last words an error shows. */
const LAST_WORDS = 2_000;

/**
 * Starts the binary and waits for its one line of JSON.
 * @returns {Promise<{target: {edge: string, asset: string, gated_asset: string, token: string}, stop: () => Promise<void>}>}
 */
export async function startInstance(binary) {
  const data = await mkdtemp(join(tmpdir(), "streamgate-browser-"));
  const child = spawn(binary, ["demo", "--json", "--edge-port", "0", "--origin-port", "0", "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
  const gone = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? code}`));
    child.once("error", (error) => resolve(error.message));
  });
  let words = "";
  child.stderr.on("data", (chunk) => {
    words = (words + chunk).slice(-LAST_WORDS);
  });

  async function stop() {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), DRAINED_WITHIN_MS);
      await gone;
      clearTimeout(late);
    }
    await rm(data, { recursive: true, force: true });
  }

  const published = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const target = readTarget(line);
      if (target) resolve(target);
    });
  });
  let bound;
  const late = new Promise((resolve) => {
    bound = setTimeout(() => resolve(`said nothing for ${PUBLISHED_WITHIN_MS / 1000} s`), PUBLISHED_WITHIN_MS);
  });
  const target = await Promise.race([published, gone, late]);
  clearTimeout(bound);
  if (typeof target === "string") {
    await stop();
    throw new Error(`${binary} demo ${target}: ${words.trim()}`);
  }
  return { target: { ...target, edge: target.edge.replace(/\/$/, "") }, stop };
}

function readTarget(line) {
  try {
    const target = JSON.parse(line);
    return typeof target?.edge === "string" && typeof target.asset === "string" ? target : null;
  } catch {
    return null;
  }
}
