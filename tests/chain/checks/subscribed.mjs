// New blocks that are told (`eth_subscribe`): who gives a token away is stopped sooner than by looking, and no later than ever when the
// WebSocket dies.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { Origin } from "../program.mjs";
import { until } from "../wait.mjs";
import { Cinema } from "./revocation.mjs";

const TRANSFERS = 5;

/** Bytes to and from a port, until it is cut. */
class Line {
  static async to(port) {
    const line = new Line();
    line.sockets = new Set();
    line.server = createServer((socket) => {
      const other = connect(port, "127.0.0.1");
      for (const [one, two] of [[socket, other], [other, socket]]) {
        line.sockets.add(one);
        one.on("error", () => {});
        one.pipe(two);
      }
    });
    await new Promise((resolve) => line.server.listen(0, "127.0.0.1", resolve));
    line.url = `ws://127.0.0.1:${line.server.address().port}`;
    return line;
  }

  cut() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** How long it takes on the average until both edges refuse who has given a token away. */
async function average(cinema, seals, first) {
  let sum = 0;
  for (let n = 0; n < TRANSFERS; n += 1) {
    const seal = first + BigInt(n);
    const viewer = await cinema.viewer(seal);
    const as = await cinema.chain.as(viewer.address);
    await cinema.chain.mined(seals.write.transferFrom([viewer.address, cinema.contracts.coin.address, seal], as));
    sum += await cinema.stopped(viewer);
  }
  return Math.round(sum / TRANSFERS);
}

export async function subscribed(all) {
  const { chain, contracts, options } = all;
  const line = await Line.to(Number(new URL(chain.url).port));
  let [origin, looks, told] = [];
  try {
    looks = await Cinema.open(all);
    const looked = await average(looks, contracts.seals, 16_000n);
    origin = await Origin.start(options.binary, chain.url, "", `, ws = "${line.url}"`);
    const blocks = async () => (await origin.api("GET", "web3/rpc-status")).chains[0].blocks;
    await until("blocks are told", async () => (await blocks()) === "told");
    told = await Cinema.open({ ...all, origin });
    const heard = await average(told, contracts.seals, 6100n);
    assert.ok(heard < looked, `told ${heard} ms, looked for ${looked} ms`);

    line.cut();
    await until("blocks are told no more", async () => (await blocks()) === "told-no-more");
    const without = await average(told, contracts.seals, 6200n);
    return `refused after ${heard} ms where blocks are told, ${looked} ms where they are looked for, ${without} ms with a dead socket`;
  } finally {
    await looks?.close();
    await told?.close();
    await origin?.end();
    line.cut();
  }
}
