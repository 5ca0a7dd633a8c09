// Both players play both codecs from the first to the last frame, and every picture stands at its time.

import { must } from "../report.mjs";
import { misplaced } from "../clip.mjs";
import { smallest, Watch } from "../watch.mjs";

/** Of the frames that were decoded, this part must also have been seen by the page: the rest a busy machine drops. */
const SEEN_PART = 0.5;

export async function checkPlays(world) {
  for (const player of ["hls", "dash"]) {
    for (const family of ["av1", "h264"]) {
      await world.report.check(`${player}.js plays ${family} from beginning to end`, () => plays(world, player, family));
    }
  }
}

async function plays(world, player, family) {
  const keys = await Watch.with(world, { asset: world.asset, player }, (watch) => watch.renditions());
  const rendition = smallest(keys, family);
  return Watch.with(world, { asset: world.asset, player, rendition }, async (watch) => {
    const duration = await watch.duration();
    await watch.until("the end", () => document.querySelector("video").ended, null, 30_000 + 2000 * duration);
    const { frames, waits } = await watch.probe();
    const quality = await watch.page.$eval("video", (video) => video.getVideoPlaybackQuality());
    const { totalVideoFrames: decoded, corruptedVideoFrames: corrupted = 0 } = { ...quality };
    const played = await watch.page.$eval("video", (video) => video.getVideoPlaybackQuality().totalVideoFrames);
    must(frames.every((frame) => frame.rendition === rendition || frame.rendition === null), `other renditions than ${rendition} were shown: ${[...new Set(frames.map((frame) => frame.rendition))]}`);
    return judge({ frames, waits, decoded: decoded ?? played, corrupted, duration, rendition });
  });
}

function judge({ frames, waits, decoded, corrupted, duration, rendition }) {
  must(corrupted === 0, `${corrupted} corrupted frames`);
  must(frames.length >= SEEN_PART * decoded, `only ${frames.length} of ${decoded} decoded frames were shown`);
  const step = Math.min(...frames.slice(1).map((frame, at) => frame.mediaTime - frames[at].mediaTime).filter((gap) => gap > 0.001));
  const expected = duration / step;
  must(decoded >= 0.95 * expected - 2, `${decoded} frames decoded, ${expected.toFixed(0)} expected in ${duration.toFixed(2)} s`);
  const wrong = misplaced(frames, 2.5 * step);
  must(wrong.length === 0, `${wrong.length} of ${frames.length} pictures stand at another second; first: ${JSON.stringify(wrong[0])}`);
  const seconds = new Set(frames.map((frame) => frame.second));
  for (let second = 0; second < Math.floor(duration); second += 1) must(seconds.has(second % 64), `second ${second} was never seen`);
  const backwards = frames.findIndex((frame, at) => at > 0 && frame.mediaTime < frames[at - 1].mediaTime);
  must(backwards < 0, `time ran backwards at frame ${backwards}`);
  must(frames[0].mediaTime < 0.5, `the first picture is of ${frames[0].mediaTime} s`);
  must(frames.at(-1).mediaTime > duration - 0.5, `the last picture is of ${frames.at(-1).mediaTime} s of ${duration}`);
  return `${rendition}, ${decoded} frames decoded, ${frames.length} read, ${waits.filter((at) => at > 0.1).length} stalls`;
}
