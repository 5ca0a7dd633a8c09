// The beeps of the clip are heard, and heard at the seconds: in the segments to the millisecond, and out of
// the player against its clock.

import { must } from "../report.mjs";
import { BEEP_SECONDS } from "../clip.mjs";
import { Watch } from "../watch.mjs";

/** A beep has an amplitude of 0.5; a codec rings a little around it. */
const LOUD = 0.15;
const SILENT = 0.03;
/** Priming may be kept or dropped by the decoder: two AAC frames and a bit. */
const FIRST_BEEP_SECONDS_MAX = 0.06;
const BETWEEN_BEEPS_SLACK = 0.004;

export async function checkSound(world) {
  await world.report.check("the segments of the sound decode to a beep a second", () => decodes(world));
  for (const player of ["hls", "dash"]) {
    await world.report.check(`${player}.js lets the beeps be heard at the seconds`, () => heard(world, player));
  }
}

async function decodes(world) {
  const page = await world.browser.openPage();
  try {
    await page.goto(`${world.edge}/watch/?v=`);
    const { onsets, duration } = await page.evaluate(decodeOnsets, { master: `${world.edge}/v/${world.asset}/master.m3u8`, loud: LOUD, quiet: BEEP_SECONDS });
    must(onsets.length === Math.round(duration), `${onsets.length} beeps in ${duration.toFixed(2)} s`);
    must(onsets[0] <= FIRST_BEEP_SECONDS_MAX, `the first beep is at ${onsets[0]} s`);
    const worst = Math.max(...onsets.map((onset, second) => Math.abs(onset - onsets[0] - second)));
    must(worst <= BETWEEN_BEEPS_SLACK, `a beep is ${(1000 * worst).toFixed(1)} ms off its second: ${onsets.map((onset) => onset.toFixed(3))}`);
    return `${onsets.length} beeps, none more than ${(1000 * worst).toFixed(1)} ms off`;
  } finally {
    await page.close();
  }
}

/** Runs in the page: fetches the audio track of a master playlist whole and finds where beeps begin. */
async function decodeOnsets({ master, loud, quiet }) {
  const text = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} for ${url}`);
    return response.text();
  };
  const playlist = new URL(/#EXT-X-MEDIA:.*TYPE=AUDIO.*URI="([^"]+)"/.exec(await text(master))[1], master).href;
  const lines = (await text(playlist)).split("\n");
  const init = /URI="([^"]+)"/.exec(lines.find((line) => line.startsWith("#EXT-X-MAP")))[1];
  const names = [init, ...lines.filter((line) => line !== "" && !line.startsWith("#"))];
  const parts = await Promise.all(names.map(async (name) => (await fetch(new URL(name, playlist))).arrayBuffer()));
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(await new Blob(parts).arrayBuffer());
  const samples = sound.getChannelData(0);
  const onsets = [];
  let lastLoud = -Infinity;
  for (let at = 0; at < samples.length; at += 1) {
    if (Math.abs(samples[at]) < loud) continue;
    if (at - lastLoud > quiet * sound.sampleRate) onsets.push(at / sound.sampleRate);
    lastLoud = at;
  }
  return { onsets, duration: sound.duration };
}

async function heard(world, player) {
  return Watch.with(world, { asset: world.asset, player, listen: true }, async (watch) => {
    const duration = await watch.duration();
    await watch.until("the end", () => document.querySelector("video").ended, null, 30_000 + 2000 * duration);
    const { sound } = await watch.probe();
    const at = (from, to) => sound.filter(({ time }) => time % 1 >= from && time % 1 < to);
    // The analyser looks back over 43 ms, and the clock of the element runs a little before what is heard.
    const seconds = new Set(at(0, 0.35).filter(({ peak }) => peak > LOUD).map(({ time }) => Math.floor(time)));
    must(seconds.size >= 0.75 * Math.floor(duration), `beeps heard in ${seconds.size} of ${Math.floor(duration)} seconds`);
    const between = at(0.45, 0.85);
    const loud = between.filter(({ peak }) => peak > SILENT);
    must(between.length > 0 && loud.length <= 0.05 * between.length, `${loud.length} of ${between.length} readings between the beeps are not silent`);
    return `beeps in ${seconds.size} of ${Math.floor(duration)} seconds, silence between`;
  });
}
