// An encrypted title: both players play it with the key that the page fetches against the token, over a seek, a change of rendition and of
// player; without a key nothing is seen.

import { must } from "../report.mjs";
import { PALETTE } from "../clip.mjs";
import { smallest, Watch } from "../watch.mjs";

export async function checkEncrypted(world) {
  const { report, edge, gated_asset: asset, token } = world;
  if (!asset) return console.log("skip  encryption: no gated asset was given");
  const master = await (await fetch(`${edge}/p/${token}/v/${asset}/master.m3u8`)).text();
  if (!master.includes("#EXT-X-SESSION-KEY")) return console.log("skip  encryption: the gated asset is not encrypted");
  await report.check("the key of an encrypted asset goes against its token alone, and is never kept", () => key(world));
  for (const player of ["hls", "dash"]) {
    for (const family of ["av1", "h264"]) {
      await report.check(`${player}.js plays encrypted ${family}, seeks and plays to the end`, () => plays(world, player, family));
    }
    await report.check(`${player}.js changes from encrypted h264 to av1`, () => changes(world, player));
    await report.check(`${player}.js shows nothing of an encrypted asset whose key is refused`, () => withoutKey(world, player));
  }
  await report.check("an encrypted asset goes on when the player is changed", () => otherPlayer(world));
}

async function key({ edge, asset: open, gated_asset: asset, token }) {
  for (let time = 0; time < 2; time += 1) {
    const response = await fetch(`${edge}/p/${token}/v/${asset}/key`);
    must(response.status === 200 && (await response.arrayBuffer()).byteLength === 16, `answered ${response.status}`);
    must(response.headers.get("Cache-Control") === "no-store", `may be kept: ${response.headers.get("Cache-Control")}`);
    must(!/hit/.test(response.headers.get("Cache-Status") ?? ""), `it was kept: ${response.headers.get("Cache-Status")}`);
  }
  for (const path of [`/v/${asset}/key`, `/p/${token}x/v/${asset}/key`, `/p/${token}/v/${open}/key`]) {
    for (const method of ["GET", "POST"]) {
      const response = await fetch(edge + path, { method, body: method === "POST" ? '{"kids":[]}' : undefined });
      must(response.status === 403, `${method} ${path} answered ${response.status}`);
    }
  }
}

async function plays(world, player, family) {
  const asked = { asset: world.gated_asset, token: world.token, player };
  const keys = await Watch.with(world, asked, (watch) => watch.renditions());
  const rendition = smallest(keys, family);
  return Watch.with(world, { ...asked, rendition }, async (watch) => {
    const duration = await watch.duration();
    await watch.playedTo(1);
    must(await watch.page.$eval("video", (video) => video.mediaKeys !== null), "it plays without a key");
    await seen(world, watch, 1.5);
    await seen(world, watch, duration - 1.4);
    await watch.page.$eval("video", (video) => video.play());
    await watch.until("the end", () => document.querySelector("video").ended, null, 30_000 + 2000 * duration);
    const { frames } = await watch.probe();
    must(frames.some((frame) => frame.mediaTime > duration - 0.5), "the end was never seen");
    const shown = [...new Set(frames.map((frame) => frame.rendition).filter(Boolean))];
    must(shown.length === 1 && shown[0] === rendition, `other renditions than ${rendition} were shown: ${shown}`);
    return `${rendition}, ${frames.length} frames`;
  });
}

async function changes(world, player) {
  const asked = { asset: world.gated_asset, token: world.token, player };
  const keys = await Watch.with(world, asked, (watch) => watch.renditions());
  const [first, second] = [smallest(keys, "h264"), smallest(keys, "av1")];
  return Watch.with(world, { ...asked, rendition: first }, async (watch) => {
    await watch.showsRendition(first);
    await watch.playedTo(0.5);
    await watch.page.selectOption("#rendition", second);
    await watch.showsRendition(second);
    const at = await watch.page.$eval("video", (video) => video.currentTime);
    await watch.playedTo(Math.min(at + 1, (await watch.duration()) - 0.1));
    await seen(world, watch, (await watch.duration()) - 1.4);
    return `${first} to ${second} at ${at.toFixed(1)} s`;
  });
}

/** Seeks, and looks at the picture as it is on the screen: a page cannot read what was encrypted. */
async function seen(world, watch, time) {
  await watch.page.$eval("video", (video, to) => new Promise((resolve) => {
    video.pause();
    video.addEventListener("seeked", () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
    video.currentTime = to;
  }), time);
  const png = (await watch.page.locator("video").screenshot()).toString("base64");
  const page = await world.browser.openPage();
  try {
    const second = await page.evaluate(read, { png, palette: PALETTE });
    must(second === Math.floor(time), `at ${time.toFixed(1)} s the picture of second ${second} is on the screen`);
  } finally {
    await page.close();
  }
}

/** Runs in a page: the second that a picture tells by its two patches, each a sixth of its height. */
async function read({ png, palette }) {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const side = image.height / 6;
  const index = (x) => {
    const [red, green, blue] = canvas.getImageData(x, side / 2, 1, 1).data;
    const far = palette.map(([r, g, b]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2);
    return far.indexOf(Math.min(...far));
  };
  return index(side / 2) + palette.length * index(1.5 * side);
}

async function withoutKey(world, player) {
  const page = await world.browser.openPage();
  try {
    await page.route(/\/key$/, (route) => route.fulfill({ status: 403, body: "" }));
    await page.goto(`${world.edge}/watch/?${new URLSearchParams({ v: world.gated_asset, t: world.token, player })}`);
    await page.waitForFunction(() => document.body.dataset.trouble !== undefined || document.body.dataset.door !== undefined, null, { timeout: 20_000 });
    const shown = await page.$eval("video", (video) => video.getVideoPlaybackQuality().totalVideoFrames);
    must(shown === 0, `${shown} pictures were decoded`);
    return page.textContent("#trouble-title");
  } finally {
    await page.close();
  }
}

async function otherPlayer(world) {
  return Watch.with(world, { asset: world.gated_asset, token: world.token, player: "hls" }, async (watch) => {
    await watch.playedTo(1.5);
    const at = await watch.page.$eval("video", (video) => video.currentTime);
    await watch.page.check("input[name=engine][value=dash]", { force: true });
    await watch.until("dash.js plays", () => document.body.dataset.engine === "dash");
    await watch.playedTo(at + 1);
  });
}
