// What the demo's test clip shows and sounds like; the Rust side is codec/media/src/clip/.
//
// Two square patches in the top-left corner, side by side, each a sixth of the height: the left one shows
// PALETTE[second % 8], the right one PALETTE[second / 8 % 8]. Each second begins with a beep of 100 ms.

/** Red, green, blue by index; the corners of the RGB cube. */
export const PALETTE = [
  [255, 255, 255],
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
  [0, 0, 0],
];

/** Length of the beep at the start of each second. */
export const BEEP_SECONDS = 0.1;

/** The colours repeat after this many seconds. */
export const CLOCK_SECONDS = PALETTE.length ** 2;

/**
 * Frames whose picture tells another second than their time on the timeline.
 * @param {{mediaTime: number, second: number}[]} frames
 * @param {number} slack seconds a frame may be late: the canvas may already show the next frame
 */
export function misplaced(frames, slack) {
  return frames.filter(({ mediaTime, second }) => {
    const fits = (time) => Math.floor(time + 1e-3) % CLOCK_SECONDS === second;
    return !fits(mediaTime) && !fits(mediaTime + slack);
  });
}
