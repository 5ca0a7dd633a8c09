// A gated asset plays with its token, and without it every address answers 403 and the page says what to do.

import { must } from "../report.mjs";
import { misplaced } from "../clip.mjs";
import { Watch } from "../watch.mjs";

export async function checkGate(world) {
  const { report, gated_asset: asset, token } = world;
  if (!asset) return console.log("skip  the gate: no gated asset was given");
  for (const file of ["master.m3u8", "manifest.mpd"]) {
    await report.check(`${file} of a gated asset answers 403 without a token`, () => refused(world, `/v/${asset}/${file}`, "token-missing"));
    await report.check(`${file} of a gated asset answers 403 with a token that was changed`, () => refused(world, `/p/${changed(token)}/v/${asset}/${file}`));
  }
  for (const player of ["hls", "dash"]) {
    await report.check(`the watch page with ${player}.js says that a token is missing`, () => says(world, player));
    await report.check(`${player}.js plays a gated asset with its token`, () => plays(world, player));
  }
}

/** The same token with its last byte changed, in a place where no bit is padding. */
function changed(token) {
  const at = token.length - 2;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

async function refused({ edge }, path, expected) {
  const response = await fetch(edge + path);
  must(response.status === 403, `answered ${response.status}`);
  const refusal = response.headers.get("StreamGate-Refusal");
  must(refusal, "names no refusal");
  must(!expected || refusal === expected, `refusal is ${refusal}, not ${expected}`);
  must(!/EXTM3U|<MPD/.test(await response.text()), "the playlist is in the body");
  return refusal;
}

async function says(world, player) {
  return Watch.with(world, { asset: world.gated_asset, player }, async (watch) => {
    await watch.until("the page tells of the trouble", () => document.body.dataset.trouble !== undefined);
    const told = await watch.page.evaluate(() => `${document.getElementById("trouble-title").textContent}. ${document.body.dataset.trouble}`);
    must(/token-missing/.test(told) && /403/.test(told), `it says: ${told}`);
    return told;
  });
}

async function plays(world, player) {
  return Watch.with(world, { asset: world.gated_asset, token: world.token, player }, async (watch) => {
    await watch.playedTo(2);
    const { frames } = await watch.probe();
    must(frames.length >= 10, `only ${frames.length} frames`);
    // A page cannot read pictures that were encrypted: `encrypted.mjs` looks at the screen.
    const isEncrypted = await watch.page.$eval("video", (video) => video.mediaKeys !== null);
    const wrong = isEncrypted ? [] : misplaced(frames, 0.1);
    must(wrong.length === 0, `a picture stands at another second: ${JSON.stringify(wrong[0])}`);
    return `${frames.length} frames`;
  });
}
