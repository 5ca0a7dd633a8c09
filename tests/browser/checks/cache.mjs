// The strip says what the edge did: what was played before is a hit, segment for segment.

import { must } from "../report.mjs";
import { Watch } from "../watch.mjs";

export async function checkCache(world) {
  for (const player of ["hls", "dash"]) {
    await world.report.check(`every segment that ${player}.js fetches again is a hit`, () => hits(world, player));
    await world.report.check(`what ${player}.js takes from the browser's own cache is shown as that`, () => own(world, player));
  }
}

async function own(world, player) {
  return Watch.with(world, { asset: world.asset, player }, async (watch) => {
    const counted = (kind) => watch.page.$eval(`#legend [data-kind=${kind}] b`, (count) => Number(count.textContent));
    await watch.playedTo(1);
    must((await counted("own")) === 0, "a new profile has nothing of its own");
    await watch.page.reload();
    await watch.until("segments of the browser's own cache", () => Number(document.querySelector("#legend [data-kind=own] b").textContent) >= 2);
    return `${await counted("own")} segments`;
  });
}

async function hits(world, player) {
  const fetched = async (watch) => {
    await watch.renditions();
    await watch.playedTo(1);
    await watch.until("segments are in the strip", () => document.querySelectorAll(".cell").length >= 4);
    return watch.page.$$eval(".cell", (cells) => cells.map(({ dataset, title }) => ({ kind: dataset.kind, title })));
  };
  const rendition = await Watch.with(world, { asset: world.asset, player }, async (watch) => (await watch.renditions())[0]);
  const first = await Watch.with(world, { asset: world.asset, player, rendition }, fetched);
  must(first.every(({ kind }) => kind !== "other"), `a segment came without Cache-Status: ${first.find(({ kind }) => kind === "other")?.title}`);
  const again = await Watch.with(world, { asset: world.asset, player, rendition }, fetched);
  const place = ({ title }) => title.split(":")[0];
  const known = new Set(first.map(place));
  const missed = again.find((cell) => known.has(place(cell)) && cell.kind !== "hit");
  must(!missed, `fetched twice and no hit: ${missed?.title}`);
  return `${again.length} segments`;
}
