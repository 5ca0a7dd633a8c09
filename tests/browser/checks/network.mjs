// Comes last: nothing any page asked for in all the checks before has left the loopback.
//
// Chromium itself looks for its maker's services at start, whatever its flags say; the tripwire refuses
// that too, and it is counted, but it is not ours to fail for.

import { must } from "../report.mjs";

/** Hosts in the first line of a request to a proxy: `CONNECT host:443 ...`, `GET http://host/... ...`. */
const CHROMIUM_ITSELF = /^[A-Z]+ (http:\/\/)?[a-z0-9.-]+\.(google|googleapis|gvt1)\.com[:/]/;

export async function checkNetwork({ report, browser, edge }) {
  await report.check("no request leaves the loopback", () => {
    const own = new URL(edge).origin;
    const foreign = browser.requests.find(({ protocol, origin }) => protocol !== "blob:" && protocol !== "data:" && origin !== own);
    must(!foreign, `a page asked for ${foreign?.href}`);
    const escaped = browser.escaped.filter((line) => !CHROMIUM_ITSELF.test(line));
    must(escaped.length === 0, `something asked for ${escaped[0]}`);
    must(browser.requests.length > 0, "nothing was asked for at all");
    return `${browser.requests.length} requests, all to ${own}; ${browser.escaped.length} of Chromium's own refused`;
  });
}
