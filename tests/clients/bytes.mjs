// What is uploaded, and whether it arrived.

import { createHash, randomBytes } from "node:crypto";

export const MIB = 1 << 20;

/** Bytes that no sniffing takes for a page, and that differ from run to run. */
export function bytes(length) {
  const made = randomBytes(length);
  made.write("\0\0\0\x18ftypisom", 0, "latin1");
  return made;
}

export const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** What arrived is what left. */
export async function same(server, asset, data) {
  if (!asset) throw new Error("no answer named an asset");
  const content = await server.api("GET", `content/${asset}`);
  if (content.sha256 !== sha256(data)) throw new Error(`${content.sha256} arrived, ${sha256(data)} left`);
  if (content.bytes !== data.length) throw new Error(`${content.bytes} bytes arrived`);
}
