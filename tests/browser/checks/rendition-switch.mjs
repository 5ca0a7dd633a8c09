// A change of rendition midway, from one codec to the other, leaves every picture at its time and does not stall.

import { must } from "../report.mjs";
import { misplaced } from "../clip.mjs";
import { smallest, Watch } from "../watch.mjs";

/** Longer than this the picture may not stand: the change itself, on a machine whose two cores also decode AV1. */
const STAND_MS_MAX = 700;

export async function checkRenditionSwitch(world) {
  for (const player of ["hls", "dash"]) {
    for (const [from, to] of [["h264", "av1"], ["av1", "h264"]]) {
      await world.report.check(`${player}.js changes from ${from} to ${to} without a stall`, () => changes(world, player, from, to));
    }
  }
}

async function changes(world, player, from, to) {
  const keys = await Watch.with(world, { asset: world.asset, player }, (watch) => watch.renditions());
  const [first, second] = [smallest(keys, from), smallest(keys, to)];
  return Watch.with(world, { asset: world.asset, player, rendition: first }, async (watch) => {
    await watch.showsRendition(first);
    await watch.playedTo(1);
    await watch.page.selectOption("#rendition", second);
    await watch.showsRendition(second);
    const changedAt = await watch.page.$eval("video", (video) => video.currentTime);
    await watch.playedTo(changedAt + 1.5);
    const { frames } = await watch.probe();
    const wrong = misplaced(frames, 0.1);
    must(wrong.length === 0, `a picture stands at another second: ${JSON.stringify(wrong[0])}`);
    const steady = frames.filter((frame) => frame.mediaTime > 0.5);
    const longest = Math.max(...steady.slice(1).map((frame, at) => frame.now - steady[at].now));
    must(longest <= STAND_MS_MAX, `the picture stood for ${Math.round(longest)} ms`);
    const leap = Math.max(...steady.slice(1).map((frame, at) => frame.mediaTime - steady[at].mediaTime));
    must(leap <= STAND_MS_MAX / 1000, `${leap.toFixed(2)} s of pictures were left out`);
    return `${first} to ${second} on the screen at ${changedAt.toFixed(1)} s, longest stand ${Math.round(longest)} ms`;
  });
}
