// The pages are whole: every file they name is there with the right type, a refused address is explained,
// and a keyboard is enough.

import { must } from "../report.mjs";
import { Watch } from "../watch.mjs";

export async function checkPages(world) {
  const { report } = world;
  await report.check("the start page leads to the watch page", () => startPage(world));
  await report.check("an asset that does not exist is explained", () => explained(world, "no-such-asset", /no such video/i));
  await report.check("an id outside the grammar is explained without a request", () => explained(world, "../etc", /not an asset id/i));
  await report.check("the strip is read with the arrow keys", () => arrowKeys(world));
}

async function startPage({ browser, edge, asset }) {
  const page = await browser.openPage();
  try {
    const failed = [];
    page.on("response", (response) => response.status() >= 400 && failed.push(response.url()));
    await page.goto(`${edge}/`);
    await page.fill("#v", asset);
    await page.press("#v", "Enter");
    await page.waitForURL((url) => url.pathname === "/watch/" && url.searchParams.get("v") === asset, { timeout: 10_000 });
    await page.waitForFunction(() => document.body.dataset.engine === "hls", null, { timeout: 10_000 });
    must(failed.length === 0, `not found: ${failed[0]}`);
  } finally {
    await page.close();
  }
}

async function explained(world, asset, expected) {
  return Watch.with(world, { asset }, async (watch) => {
    await watch.until("the page tells of the trouble", () => document.body.dataset.trouble !== undefined);
    const title = await watch.page.textContent("#trouble-title");
    must(expected.test(title), `it says: ${title}`);
    return title;
  });
}

async function arrowKeys(world) {
  return Watch.with(world, { asset: world.asset }, async (watch) => {
    await watch.until("segments are in the strip", () => document.querySelectorAll(".cell").length >= 2);
    await watch.page.focus("#strip");
    await watch.page.keyboard.press("Home");
    const first = await watch.page.textContent("#strip-detail");
    await watch.page.keyboard.press("ArrowRight");
    const second = await watch.page.textContent("#strip-detail");
    must(/segment|initialisation/.test(first) && first !== second, `it says: ${first} / ${second}`);
    return first;
  });
}
