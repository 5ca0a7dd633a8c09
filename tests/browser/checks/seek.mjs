// A seek near the end shows the right picture, plays to the end, and a seek back works after that.

import { must } from "../report.mjs";
import { misplaced } from "../clip.mjs";
import { SOON_MS, Watch } from "../watch.mjs";

const BEFORE_THE_END = 1.5;

export async function checkSeek(world) {
  for (const player of ["hls", "dash"]) {
    await world.report.check(`${player}.js seeks near the end and back`, () => seeks(world, player));
  }
}

async function seeks(world, player) {
  return Watch.with(world, { asset: world.asset, player }, async (watch) => {
    const duration = await watch.duration();
    await watch.playedTo(0.2);
    const target = duration - BEFORE_THE_END;
    const took = await seek(watch, target);
    await watch.until("the end", () => document.querySelector("video").ended, null, SOON_MS);
    const back = await seek(watch, 1.5);
    const { frames } = await watch.probe();
    const wrong = misplaced(frames, 0.1);
    must(wrong.length === 0, `a picture stands at another second: ${JSON.stringify(wrong[0])}`);
    must(frames.some((frame) => frame.mediaTime > duration - 0.5), "the end was never seen");
    return `${took} ms there, ${back} ms back`;
  });
}

/** Seeks, and waits for a picture of the place; milliseconds until it stood. */
async function seek(watch, target) {
  const from = await watch.page.evaluate((time) => {
    const before = globalThis.probe.frames.length;
    const video = document.querySelector("video");
    video.currentTime = time;
    video.play();
    return { before, now: performance.now() };
  }, target);
  const arrived = ({ before, time }) => globalThis.probe.frames.slice(before).some(({ mediaTime }) => mediaTime >= time - 0.2 && mediaTime < time + 1);
  await watch.until(`a picture of ${target.toFixed(1)} s`, arrived, { before: from.before, time: target });
  return Math.round(await watch.page.evaluate(({ before, now, time }) => {
    const frame = globalThis.probe.frames.slice(before).find(({ mediaTime }) => mediaTime >= time - 0.2);
    return frame.now - now;
  }, { ...from, time: target }));
}
