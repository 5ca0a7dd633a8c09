// Waiting for what is to come, and ports that are free.

import { createServer } from "node:net";

const LOOK_MS = 15;

/** Until `holds` answers something true, which is returned. */
export async function until(what, holds, withinMs = 60_000) {
  const end = performance.now() + withinMs;
  for (;;) {
    const got = await holds();
    if (got) return got;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
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
