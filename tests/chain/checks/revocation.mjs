// A token that was given is refused by two edges within five seconds of whatever ends it, and is given back by a reorganisation that undoes
// the transfer.

import assert from "node:assert/strict";
import { film } from "../media.mjs";
import { Viewer } from "../viewer.mjs";
import { until } from "../wait.mjs";

const WITHIN_MS = 5_000;

/** A gated film that plays, and two edges of the origin. */
export class Cinema {
  static async open({ chain, origin, contracts }) {
    const cinema = new Cinema();
    Object.assign(cinema, { chain, origin, contracts });
    cinema.edges = [await origin.edge(), await origin.edge()];
    cinema.rule = { erc721: { chain: "anvil", contract: contracts.seals.address, min_balance: "1" } };
    cinema.id = await origin.upload(film(), "title=film");
    await cinema.write(cinema.rule);
    await until("it plays", async () => (await origin.api("GET", `content/${cinema.id}`)).playable);
    return cinema;
  }

  write(rule) {
    return this.origin.api("PUT", `content/${this.id}/gating-rules`, { rule });
  }

  /** Somebody who holds token `seal` and plays at both edges. */
  async viewer(seal) {
    const viewer = new Viewer(this.origin);
    await this.chain.mined(this.contracts.seals.write.mint([viewer.address, seal]));
    await viewer.signIn();
    await until("let in", async () => {
      const { status, body } = await viewer.watch(this.id);
      viewer.playlist = body.playback?.hls;
      return status === 201;
    });
    await this.plays(viewer);
    return viewer;
  }

  async plays(viewer) {
    for (const edge of this.edges) {
      await until("it plays", async () => (await edge.get(viewer.playlist)).status === 200, WITHIN_MS);
    }
  }

  /** Until both edges refuse; how long that took. */
  async stopped(viewer, since = performance.now()) {
    for (const edge of this.edges) {
      await until("it is refused", async () => {
        const { status, reason } = await edge.get(viewer.playlist);
        if (status !== 200) assert.deepEqual([status, reason], [403, "token-revoked"]);
        return status === 403;
      }, WITHIN_MS);
    }
    const took = performance.now() - since;
    assert.ok(took < WITHIN_MS, `it took ${took} ms`);
    return Math.round(took);
  }

  async close() {
    for (const edge of this.edges) await edge.kill();
  }
}

export async function transferred(all) {
  const { chain, contracts } = all;
  const cinema = await Cinema.open(all);
  try {
    const [seller, other] = [await cinema.viewer(5001n), await cinema.viewer(5002n)];
    const as = await chain.as(seller.address);
    await chain.mined(contracts.seals.write.transferFrom([seller.address, other.address, 5001n], as));
    const took = await cinema.stopped(seller);
    assert.equal((await seller.watch(cinema.id)).status, 403);
    await cinema.plays(other);

    // An edge that comes later knows it as well.
    const late = await all.origin.edge();
    await until("it is refused there", async () => (await late.get(seller.playlist)).reason === "token-revoked", WITHIN_MS);
    await late.kill();

    // The block of the transfer is not of the chain any more.
    await chain.client.request({ method: "anvil_reorg", params: [1, []] });
    assert.equal(await contracts.seals.read.ownerOf([5001n]), seller.address);
    const begun = performance.now();
    await cinema.plays(seller);
    return `refused after ${took} ms, given back after ${Math.round(performance.now() - begun)} ms`;
  } finally {
    await cinema.close();
  }
}

export async function ended(all) {
  const { origin, contracts } = all;
  const cinema = await Cinema.open(all);
  try {
    const said = [];
    const ends = async (what, seal, deed) => {
      const viewer = await cinema.viewer(seal);
      const since = performance.now();
      await deed(viewer);
      said.push(`${what} ${await cinema.stopped(viewer, since)}`);
    };
    await ends("logout", 5101n, (viewer) => origin.api("POST", "auth/logout", undefined, viewer.token));
    // A ban is of the subject: it ends tokens of no row as well, and nobody else's.
    const other = { playlist: `/p/${origin.token(cinema.id, "somebody else")}/v/${cinema.id}/master.m3u8` };
    const same = {};
    await ends("ban", 5102n, async (viewer) => {
      const { id } = await origin.api("GET", "auth/profile", undefined, viewer.token);
      same.playlist = `/p/${origin.token(cinema.id, id)}/v/${cinema.id}/master.m3u8`;
      await cinema.plays(same);
      await origin.api("PATCH", `accounts/${id}`, { banned: true });
    });
    said.push(`its other token ${await cinema.stopped(same)}`);
    await cinema.plays(other);
    await ends("operator", 5103n, () => origin.api("DELETE", `content/${cinema.id}/grants`));
    await ends("one token", 5104n, async (viewer) => {
      const { items } = await origin.api("GET", `content/${cinema.id}/grants`);
      const grant = items.find((one) => one.wallets.includes(viewer.address));
      await origin.api("DELETE", `content/${cinema.id}/grants/${grant.id}`);
    });
    await ends("another rule", 5105n, () => cinema.write({ erc721: { chain: "anvil", contract: contracts.seals.address, min_balance: "9" } }));
    await cinema.write({ all: [cinema.rule, { valid: { until_ms: Date.now() + 3_000 } }] });
    const viewer = await cinema.viewer(5106n);
    await until("its time is over", async () => (await cinema.edges[0].get(viewer.playlist)).status === 403, 3_000 + WITHIN_MS);
    await cinema.stopped(viewer);
    return `ms: ${said.join(", ")}`;
  } finally {
    await cinema.close();
  }
}
