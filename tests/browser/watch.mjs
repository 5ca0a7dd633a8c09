// The watch page as a person uses it: opened by address, driven through its controls, read off its labels.

import { PALETTE } from "./clip.mjs";
import { installProbe } from "./probe.mjs";

/** Bound on every wait for something that needs no playing time. */
export const SOON_MS = 20_000;

export class Watch {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    this.errors = [];
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  /** Opens the page; `listen` also taps the sound. */
  static async open({ browser, edge }, { asset, token, player = "hls", rendition, listen = false }) {
    const query = new URLSearchParams({ v: asset, player });
    if (token) query.set("t", token);
    if (rendition) query.set("rendition", rendition);
    const watch = new Watch(await browser.openPage());
    await watch.page.goto(`${edge}/watch/?${query}`);
    await watch.page.evaluate(installProbe, { palette: PALETTE, listen });
    return watch;
  }

  /** Runs `act` on an opened page and closes it whatever happens; an error of a script on the page fails. */
  static async with(world, how, act) {
    const watch = await Watch.open(world, how);
    try {
      const said = await act(watch);
      if (watch.errors.length > 0) throw new Error(`script error on the page: ${watch.errors[0]}`);
      return said;
    } catch (error) {
      const state = await watch.state().catch(() => null);
      throw new Error(`${error.message.split("\n")[0]} [${JSON.stringify(state)}]`);
    } finally {
      await watch.page.close();
    }
  }

  /** Waits until `condition` (run in the page, given `argument`) is true. */
  until(what, condition, argument, bound = SOON_MS) {
    return this.page.waitForFunction(condition, argument, { timeout: bound, polling: 50 }).catch((error) => {
      throw new Error(error.name === "TimeoutError" ? `not within ${bound / 1000} s: ${what}` : error.message);
    });
  }

  /** The keys of the renditions there are to choose from, as `av1-360`. */
  async renditions() {
    await this.until("the renditions are listed", () => document.querySelectorAll("#rendition option").length > 1);
    return this.page.$$eval("#rendition option", (options) => options.map(({ value }) => value).filter(Boolean));
  }

  /** Waits until the playing position has passed `seconds`. */
  playedTo(seconds, bound = SOON_MS + 1000 * seconds) {
    return this.until(`played to ${seconds.toFixed(1)} s`, (time) => document.querySelector("video").currentTime >= time, seconds, bound);
  }

  /** Waits until the label names this rendition. */
  showsRendition(key, bound = SOON_MS) {
    return this.until(`${key} is on the screen`, (wanted) => document.querySelector("[data-reading=rendition]").dataset.value === wanted, key, bound);
  }

  async duration() {
    await this.until("the duration is known", () => Number.isFinite(document.querySelector("video").duration));
    return this.page.$eval("video", (video) => video.duration);
  }

  /** Everything recorded so far: frames, waits, sound. */
  probe() {
    return this.page.evaluate(() => globalThis.probe);
  }

  /** What a failure is told with. */
  state() {
    return this.page.evaluate(() => {
      const video = document.querySelector("video");
      return {
        engine: document.body.dataset.engine,
        trouble: document.body.dataset.trouble,
        rendition: document.querySelector("[data-reading=rendition]")?.dataset.value,
        at: video?.currentTime,
        ready: video?.readyState,
        paused: video?.paused,
        ended: video?.ended,
        buffered: video && Array.from(video.buffered, (_, range) => [video.buffered.start(range), video.buffered.end(range)]),
        frames: globalThis.probe?.frames.length,
      };
    });
  }
}

/** Of the renditions of a codec family (`av1`, `h264`) the smallest: quick to decode everywhere. */
export function smallest(keys, family) {
  const heights = (key) => Number(key.split("-")[1]);
  const own = keys.filter((key) => key.startsWith(`${family}-`)).sort((a, b) => heights(a) - heights(b));
  if (own.length === 0) throw new Error(`no ${family} rendition among ${keys.join(", ")}`);
  return own[0];
}
