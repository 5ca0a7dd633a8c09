// The change from one player to the other goes on where the first one was.

import { must } from "../report.mjs";
import { misplaced } from "../clip.mjs";
import { Watch } from "../watch.mjs";

export async function checkEngineSwitch(world) {
  for (const [from, to] of [["hls", "dash"], ["dash", "hls"]]) {
    await world.report.check(`the change from ${from}.js to ${to}.js keeps the position`, () => changes(world, from, to));
  }
}

async function changes(world, from, to) {
  return Watch.with(world, { asset: world.asset, player: from }, async (watch) => {
    await watch.playedTo(3);
    const before = await watch.page.evaluate(() => ({ at: document.querySelector("video").currentTime, frames: globalThis.probe.frames.length }));
    await watch.page.check(`input[name=engine][value=${to}]`, { force: true });
    await watch.until(`${to}.js plays`, (engine) => document.body.dataset.engine === engine, to);
    await watch.playedTo(before.at + 1.5);
    const { frames } = await watch.probe();
    const after = frames.slice(before.frames).filter((frame) => frame.mediaTime > before.at + 0.5 || frame.mediaTime < before.at - 0.5);
    must(after.length > 0 && after[0].mediaTime < before.at + 1.5, `left at ${before.at.toFixed(2)} s, went on at ${after[0]?.mediaTime} s`);
    const back = after.findIndex((frame) => frame.mediaTime < before.at - 0.5);
    must(back < 0, `it went back: ${JSON.stringify(after.slice(Math.max(0, back - 1), back + 2))}`);
    const wrong = misplaced(frames, 0.1);
    must(wrong.length === 0, `a picture stands at another second: ${JSON.stringify(wrong[0])}`);
    return `left at ${before.at.toFixed(2)} s, next picture of ${after[0].mediaTime.toFixed(2)} s`;
  });
}
