// Debian's Chromium with an empty profile, and a tripwire: whatever does not go to 127.0.0.1 goes to a
// proxy of ours that writes it down and refuses it.

import { createServer } from "node:net";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** @returns {Promise<{openPage: () => Promise<import("playwright-core").Page>, requests: URL[], escaped: string[], close: () => Promise<void>}>} */
export async function openBrowser(executablePath) {
  const escaped = [];
  const requests = [];
  const tripwire = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      escaped.push(data.toString("latin1").split("\r\n")[0]);
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
  });
  await new Promise((resolve) => tripwire.listen(0, "127.0.0.1", resolve));
  const args = [...FLAGS, `--proxy-server=http://127.0.0.1:${tripwire.address().port}`, "--proxy-bypass-list=127.0.0.1"];
  const browser = await chromium.launch({ executablePath, args });

  /** A page with caches of its own, so that what it plays comes from the edge. */
  async function openPage() {
    const context = await browser.newContext({ viewport: { width: 1000, height: 800 } });
    context.on("request", (request) => requests.push(new URL(request.url())));
    const page = await context.newPage();
    page.once("close", () => context.close().catch(() => {}));
    return page;
  }

  return {
    openPage,
    requests,
    escaped,
    async close() {
      await browser.close();
      await new Promise((resolve) => tripwire.close(resolve));
    },
  };
}
