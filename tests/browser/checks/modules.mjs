// The pure modules of the page, asked in the browser that runs them.

import { must } from "../report.mjs";

const CACHE_STATUS = [
  ["streamgate; hit; ttl=31", "hit"],
  ["streamgate;hit;ttl=-4", "stale"],
  ["streamgate; fwd=stale; fwd-status=304", "stale"],
  ["streamgate; fwd=uri-miss; stored", "miss"],
  ["streamgate; fwd=miss; collapsed", "miss"],
  ['origin; fwd=uri-miss, "near; edge"; hit', "hit"],
  ['far; hit, near; fwd=uri-miss; detail="hit, or; not"', "miss"],
  ["nonsense", "other"],
  [null, "other"],
];

const ADDRESSES = [
  ["?v=demo", "/v/demo/master.m3u8"],
  ["?v=demo&t=abc-_1", "/p/abc-_1/v/demo/master.m3u8"],
  ["?v=demo&t=", "/v/demo/master.m3u8"],
  ["", "no-asset"],
  ["?v=Demo", "bad-asset"],
  ["?v=..%2Fx", "bad-asset"],
  ["?v=demo&t=a%2Fb", "bad-token"],
];

export async function checkModules({ report, browser, edge }) {
  await report.check("the page reads Cache-Status and addresses as they are defined", async () => {
    const page = await browser.openPage();
    try {
      await page.goto(`${edge}/watch/?v=`);
      const kinds = await page.evaluate(async (fields) => {
        const { readCacheStatus } = await import("/watch/cache-status.js");
        return fields.map((field) => readCacheStatus(field).kind);
      }, CACHE_STATUS.map(([field]) => field));
      CACHE_STATUS.forEach(([field, kind], at) => must(kinds[at] === kind, `${field} is read as ${kinds[at]}`));
      const read = await page.evaluate(async (searches) => {
        const { readAddress } = await import("/watch/address.js");
        return searches.map((search) => readAddress(search)).map(({ hls, refusal }) => refusal ?? hls);
      }, ADDRESSES.map(([search]) => search));
      ADDRESSES.forEach(([search, expected], at) => must(read[at] === expected, `${search} is read as ${read[at]}`));
      return `${CACHE_STATUS.length + ADDRESSES.length} cases`;
    } finally {
      await page.close();
    }
  });
}
