// Uploads out of a real browser: Uppy in Chromium, by tus and over a reload of its tab, and in parts to an S3.

import { createServer } from "node:http";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { openBrowser } from "../browser/chromium.mjs";
import { MIB, bytes, same } from "./bytes.mjs";
import { python } from "./program.mjs";
import { Server } from "./server.mjs";
import { S3, Weed } from "./weed.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const CHROMIUM = "/usr/bin/chromium";

/** A page of another origin than the server's, with a field for a file. */
async function servePage() {
  const bundled = await build({ entryPoints: [join(HERE, "page.mjs")], bundle: true, write: false, format: "iife", logLevel: "error" });
  const page = `<!doctype html><meta charset="utf-8"><input type="file"><script>${bundled.outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
  const listener = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(page));
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${listener.address().port}`, close: () => { listener.closeAllConnections(); listener.close(); } };
}

/** A server that lets the page in, and a tab of it where the file was chosen. */
async function inTab(options, settings, work) {
  const page = await servePage();
  const server = await Server.start(options.binary, { ...settings, STREAMGATE_ORIGIN__CORS_ORIGINS: page.url });
  const browser = await openBrowser(CHROMIUM);
  try {
    const tab = await browser.openPage();
    const open = async (file) => {
      await tab.goto(`${page.url}/#${encodeURIComponent(JSON.stringify({ api: `${server.url}/api/v1`, key: server.key }))}`);
      await tab.setInputFiles("input", file);
    };
    return await work(server, tab, open);
  } finally {
    await browser.close();
    await server.end();
    page.close();
  }
}

async function uppyTus(_, options) {
  return inTab(options, {}, async (server, tab, open) => {
    const file = join(server.data, "uppy.mp4");
    const data = bytes(4 * MIB + 9);
    await writeFile(file, data);
    await open(file);
    await same(server, await tab.evaluate(() => window.byTus()), data);
  });
}

async function tabReloaded(_, options) {
  return inTab(options, {}, async (server, tab, open) => {
    const file = join(server.data, "reload.mp4");
    const data = bytes(24 * MIB);
    await writeFile(file, data);
    await open(file);
    const offsets = [];
    let atThird;
    const third = new Promise((resolve) => { atThird = resolve; });
    tab.on("request", (request) => {
      if (request.method() !== "PATCH") return;
      offsets.push(Number(request.headers()["upload-offset"]));
      if (offsets.length === 3) atThird();
    });
    tab.evaluate(() => { window.byTus(); });
    await third;
    await tab.reload();
    const before = offsets.length;
    await tab.setInputFiles("input", file);
    const asset = await tab.evaluate(() => window.byTus());
    await same(server, asset, data);
    const from = offsets[before];
    if (!(from >= 2 * MIB)) throw new Error(`after the reload it began at ${from}`);
    const all = await server.api("GET", "content");
    if (all.items.length !== 1) throw new Error(`${all.items.length} assets came of it`);
    return `went on at ${from / MIB} MiB of 24`;
  });
}

/** Settings of an origin whose objects are in the S3. */
function stored(weed) {
  return {
    STREAMGATE_STORAGE__OBJECTS: `s3://${S3.bucket}/media`,
    STREAMGATE_STORAGE__S3_ENDPOINT: weed.endpoint,
    STREAMGATE_STORAGE__S3_ACCESS_KEY: S3.accessKey,
    STREAMGATE_STORAGE__S3_SECRET_KEY: S3.secretKey,
  };
}

/** boto3 makes the bucket and its CORS rule as docs/operating.md says, uploads by signed addresses, and looks at what is stored. */
async function withS3(options, work) {
  const weed = await Weed.start(options.weed);
  try {
    await python("boto3_bucket.py", "make", weed.endpoint);
    return await inTab(options, stored(weed), (server, tab, open) => work(server, tab, open, weed));
  } finally {
    await weed.end();
  }
}

async function uppyAwsS3AndBoto3(_, options) {
  return withS3(options, async (server, tab, open, weed) => {
    const file = join(server.data, "parts.mp4");
    const data = bytes(17 * MIB + 3);
    await writeFile(file, data);
    await open(file);
    let parts = 0;
    tab.on("request", (request) => { parts += request.method() === "PUT" && request.url().startsWith(weed.endpoint) ? 1 : 0; });
    await same(server, await tab.evaluate(() => window.byS3()), data);
    if (parts !== 2) throw new Error(`${parts} parts went to the S3`);
    await python("boto3_bucket.py", "holds", weed.endpoint, file);

    const mine = bytes(18 * MIB);
    const second = join(server.data, "boto3.mp4");
    await writeFile(second, mine);
    await same(server, await python("boto3_upload.py", server.url, server.key, second), mine);
    await python("boto3_bucket.py", "holds", weed.endpoint, second);
  });
}

export const BROWSER = { uppyTus, tabReloaded, uppyAwsS3AndBoto3 };
