// A token that a back end minted by its key is refused by the edges once it is taken back, by its id, with its key, with its asset.

import assert from "node:assert/strict";
import { Cinema } from "./revocation.mjs";

export async function minted(all) {
  const { origin } = all;
  const cinema = await Cinema.open(all);
  try {
    const made = await origin.api("POST", "keys", { name: "shop", role: "operator", owner: "shop" });
    const said = [];
    const ends = async (what, deed) => {
      const { id, playback } = await origin.api("POST", `content/${cinema.id}/token`, { ttl_seconds: 600 }, made.key);
      const viewer = { playlist: playback.hls };
      await cinema.plays(viewer);
      const since = performance.now();
      await deed(id);
      said.push(`${what} ${await cinema.stopped(viewer, since)}`);
    };
    await ends("one token", (id) => origin.api("DELETE", `content/${cinema.id}/grants/${id}`, undefined, made.key));
    await ends("its asset's", () => origin.api("DELETE", `content/${cinema.id}/grants`));
    await ends("its key's", () => origin.api("DELETE", `keys/${made.id}`));
    const gone = await origin.ask("POST", `content/${cinema.id}/token`, {}, made.key);
    assert.equal(gone.status, 401);
    return `ms: ${said.join(", ")}`;
  } finally {
    await cinema.close();
  }
}
