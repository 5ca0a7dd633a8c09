// A title for some sites, in Chromium: their pages play it, others are told why not, and a page that does not say whose it is counts as another's.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { openBrowser } from "../../browser/chromium.mjs";
import { film } from "../media.mjs";
import { until } from "../wait.mjs";
import { CHROMIUM } from "./watching.mjs";

const WITHIN_MS = 15_000;
const HLS = new URL("../../../web/vendor/hls.js/hls.min.mjs", import.meta.url);

/** Plays the address in its fragment, and writes down how that goes. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>a site</title><video muted></video><script type="module">
import Hls from "/hls.mjs";
const video = document.querySelector("video");
const hls = new Hls();
hls.on(Hls.Events.ERROR, async (_, { fatal, response }) => {
  if (!fatal) return;
  const answer = await fetch(location.hash.slice(1), { cache: "no-store" });
  document.body.dataset.refused = [response?.code, answer.headers.get("StreamGate-Refusal")].join(" ");
});
hls.loadSource(location.hash.slice(1));
hls.attachMedia(video);
video.play();
</script>`;

/** The same in a frame that is of no site at all. */
const FRAME = `<!doctype html><meta charset="utf-8"><iframe sandbox="allow-scripts"></iframe><script>
document.querySelector("iframe").src = "/" + location.hash;
</script>`;

/** A site of its own: the page, under any policy that its query names, and the edge behind it, as a site has that is in front of one. */
class Site {
  static async start(edge) {
    const site = new Site();
    const hls = await readFile(HLS);
    site.server = createServer((asked, answer) => {
      const { pathname, searchParams } = new URL(asked.url, site.url);
      if (pathname.startsWith("/p/")) {
        const options = { method: asked.method, headers: asked.headers };
        return asked.pipe(request(edge.url + asked.url, options, (got) => got.pipe(answer.writeHead(got.statusCode, got.headers))));
      }
      // A frame without an origin may load a module where the answer lets all.
      if (pathname === "/hls.mjs") return answer.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*" }).end(hls);
      const policy = searchParams.get("policy");
      answer.writeHead(200, { "content-type": "text/html", ...(policy && { "referrer-policy": policy }) }).end(pathname === "/framed" ? FRAME : PAGE);
    });
    await new Promise((resolve) => site.server.listen(0, "127.0.0.1", resolve));
    site.host = `127.0.0.1:${site.server.address().port}`;
    site.url = `http://${site.host}`;
    return site;
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** How the playlist plays on a page: "plays", or the status and the reason. */
async function seen(browser, page, playlist) {
  const tab = await browser.openPage();
  try {
    await tab.goto(`${page}#${playlist}`);
    const frame = page.includes("/framed") ? await until("the frame", () => tab.frames()[1]) : tab.mainFrame();
    const told = await frame.waitForFunction(() => {
      const video = document.querySelector("video");
      return document.body.dataset.refused || (video && video.currentTime > 0.5 && video.videoWidth > 0 && "plays");
    }, null, { timeout: WITHIN_MS });
    return await told.jsonValue();
  } finally {
    await tab.close();
  }
}

/** Whether a page can take a picture in without asking by script, as `<video src>` is taken in as well: no Origin is sent. */
async function embedded(browser, page, address) {
  const tab = await browser.openPage();
  try {
    await tab.goto(page);
    return await tab.evaluate((src) => new Promise((resolve) => {
      document.body.append(Object.assign(new Image(), { src, onload: () => resolve("shown"), onerror: () => resolve("refused") }));
    }), address);
  } finally {
    await tab.close();
  }
}

export async function referrers({ origin }) {
  const id = await origin.upload(film(4), "title=film");
  const edge = await origin.edge();
  const [ours, other] = [await Site.start(edge), await Site.start(edge)];
  let browser = null;
  try {
    browser = await openBrowser(CHROMIUM);
    const token = async (hosts) => {
      await origin.api("PUT", `content/${id}/gating-rules`, { rule: { valid: { until_ms: Date.now() + 600_000 } }, playback: { referrers: hosts } });
      return (await origin.api("POST", `content/${id}/watch`)).playback.hls;
    };
    const path = await token([ours.host]);
    await until("it plays", async () => (await origin.api("GET", `content/${id}`)).playable);

    const refused = "403 token-referrer";
    const cases = [
      // Of the edge itself, by a script of the site: the browser says Origin, whatever the policy.
      [ours, "/", edge.url, "plays"],
      [ours, "/?policy=no-referrer", edge.url, "plays"],
      [other, "/", edge.url, refused],
      [other, "/?policy=unsafe-url", edge.url, refused],
      // Of the site's own address, behind which the edge is: Referer is all there is.
      [ours, "/", ours.url, "plays"],
      [ours, "/?policy=strict-origin", ours.url, "plays"],
      [ours, "/?policy=no-referrer", ours.url, refused],
      [other, "/", other.url, refused],
      // A frame without an origin says so: "Origin: null".
      [ours, "/framed", edge.url, refused],
    ];
    for (const [site, page, from, expected] of cases) {
      assert.equal(await seen(browser, site.url + page, from + path), expected, `${site === ours ? "ours" : "another"}${page} from ${from === edge.url ? "the edge" : "itself"}`);
    }
    // An address of its own for each: what one has been told is not kept for another.
    const picture = `${edge.url}${path.replace("master.m3u8", "poster.jpg")}`;
    await until("its poster is there", async () => (await fetch(picture, { headers: { origin: ours.url } })).status === 200);
    for (const [site, page, expected] of [[ours, "/?policy=no-referrer", "refused"], [other, "/", "refused"], [ours, "/", "shown"], [other, "/", "refused"]]) {
      assert.equal(await embedded(browser, site.url + page, picture), expected, `a picture on ${site === ours ? "ours" : "another"}${page}`);
    }
    // The watch page is the edge's own: where its host is listed it plays there, and else it says why not.
    for (const [hosts, plays] of [[[ours.host], false], [[ours.host, new URL(edge.url).host], true]]) {
      const [, minted] = /^\/p\/([^/]+)\//.exec(await token(hosts));
      const tab = await browser.openPage();
      await tab.goto(`${edge.url}/watch/?v=${id}&t=${minted}`);
      if (plays) await tab.waitForFunction(() => document.querySelector("video").currentTime > 0.5, null, { timeout: WITHIN_MS });
      else await tab.waitForFunction(() => /token-referrer/.test(document.getElementById("trouble-detail").textContent), null, { timeout: WITHIN_MS });
      await tab.close();
    }
    return `${cases.length + 6} pages`;
  } finally {
    await browser?.close();
    await Promise.all([ours.end(), other.end()]);
    await edge.kill();
  }
}
