// The poster stands before the film, and the bar below it shows for each place a picture of that second, and goes there.

import { must } from "../report.mjs";
import { PALETTE } from "../clip.mjs";
import { Watch } from "../watch.mjs";

const PLACES = [0.1, 0.45, 0.9];

export async function checkPictures(world) {
  await world.report.check("cues are read as they are written", () => reads(world));
  await world.report.check("the bar shows a picture of the second that one points at", () => points(world, { asset: world.asset }));
  if (!world.gated_asset) return console.log("skip  pictures of a gated asset: none was given");
  await world.report.check("pictures of a gated asset answer 403 without its token", () => refused(world));
  const master = await (await fetch(`${world.edge}/p/${world.token}/v/${world.gated_asset}/master.m3u8`)).text();
  const how = { asset: world.gated_asset, token: world.token };
  if (master.includes("#EXT-X-SESSION-KEY")) await world.report.check("an encrypted asset plays without a bar of pictures", () => without(world, how));
  else await world.report.check("pictures of a gated asset are shown with its token", () => points(world, how));
}

async function reads({ browser, edge }) {
  const page = await browser.openPage();
  try {
    await page.goto(`${edge}/watch/?v=`);
    const tiles = await page.evaluate(async () => {
      const { readTiles } = await import("/watch/storyboard.js");
      const text = "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nstoryboard/0.jpg#xywh=0,0,160,90\n\n00:00:05.000 --> 01:00:07.500\nstoryboard/0.jpg#xywh=160,0,160,90\n";
      return readTiles(text, "https://edge.test/p/t/v/a/storyboard.vtt");
    });
    must(tiles.length === 2 && tiles[1].start === 5 && tiles[1].end === 3607.5 && tiles[1].x === 160, JSON.stringify(tiles));
    must(tiles[0].sheet === "https://edge.test/p/t/v/a/storyboard/0.jpg", tiles[0].sheet);
    return `${tiles.length} cues`;
  } finally {
    await page.close();
  }
}

async function points(world, how) {
  return Watch.with(world, how, async (watch) => {
    await watch.playedTo(0.2);
    await watch.until("the bar is there", () => !document.getElementById("seeker").hidden);
    await watch.until("the poster is there", async () => {
      const { poster } = document.querySelector("video");
      return poster !== "" && (await fetch(poster)).headers.get("content-type") === "image/jpeg";
    });
    const duration = await watch.duration();
    const box = await (await watch.page.$("#seeker input")).boundingBox();
    const seen = [];
    for (const place of PLACES) {
      await watch.page.mouse.move(box.x + box.width * place, box.y + box.height / 2);
      await watch.until("a tile is shown", () => !document.querySelector("#seeker .tile").hidden);
      const { start, second } = await watch.page.evaluate(tileSecond, PALETTE);
      must(Math.abs(start - duration * place) < 2, `${start} s is shown for ${(duration * place).toFixed(1)} s`);
      must(second >= start && second < start + 2, `the tile of ${start} s shows second ${second}`);
      seen.push(second);
    }
    await watch.page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
    await watch.until("the film is there, too", (half) => Math.abs(document.querySelector("video").currentTime - half) < 2, duration / 2);
    return `seconds ${seen.join(", ")}`;
  });
}

async function without(world, how) {
  return Watch.with(world, how, async (watch) => {
    await watch.playedTo(1);
    must(await watch.page.evaluate(() => document.getElementById("seeker").hidden), "the bar is there");
    return "nothing of it is shown";
  });
}

/** Which second the tile that is shown was drawn from, by the colours of the clip's two patches. */
async function tileSecond(palette) {
  const tile = document.querySelector("#seeker .tile");
  const image = new Image();
  image.src = /url\("(.*)"\)/.exec(tile.style.backgroundImage)[1];
  await image.decode();
  const [left, top] = tile.style.backgroundPosition.split(" ").map((text) => -parseFloat(text));
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  [canvas.width, canvas.height] = [image.width, image.height];
  context.drawImage(image, 0, 0);
  const patch = parseFloat(tile.style.height) / 6;
  const index = (x) => {
    const [r, g, b] = context.getImageData(left + x, top + patch / 2, 1, 1).data;
    const far = palette.map((colour) => Math.abs(colour[0] - r) + Math.abs(colour[1] - g) + Math.abs(colour[2] - b));
    return far.indexOf(Math.min(...far));
  };
  return { start: Number(tile.dataset.start), second: index(patch / 2) + 8 * index(patch * 1.5) };
}

async function refused({ edge, gated_asset: asset }) {
  for (const file of ["poster.jpg", "storyboard.vtt", "storyboard/0.jpg"]) {
    const response = await fetch(`${edge}/v/${asset}/${file}`);
    must(response.status === 403 && response.headers.get("StreamGate-Refusal"), `${file} answered ${response.status}`);
  }
  return "three of them";
}
