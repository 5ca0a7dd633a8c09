// Files of countries as MaxMind makes them: an edge lets in and keeps out as MaxMind's own reader reads them, and uses none that is damaged.

import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { film } from "../chain/media.mjs";
import { Edge, gated } from "./edge.mjs";
import { python, until } from "./program.mjs";

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), "python/geoip2-4.8.0.tar.gz");
const OF_COUNTRIES = ["GeoLite2-Country-Test.mmdb", "GeoIP2-Country-Test.mmdb", "GeoLite2-City-Test.mmdb", "GeoIP2-City-Test.mmdb", "GeoIP2-Enterprise-Test.mmdb",
  "GeoIP2-Precision-Enterprise-Test.mmdb"];
const DAMAGED = ["GeoIP2-City-Test-Broken-Double-Format.mmdb", "GeoIP2-City-Test-Invalid-Node-Count.mmdb", "MaxMind-DB-test-broken-pointers-24.mmdb",
  "MaxMind-DB-test-broken-search-tree-24.mmdb"];
const OF_OTHER_THINGS = ["GeoLite2-ASN-Test.mmdb", "GeoIP2-Anonymous-IP-Test.mmdb", "MaxMind-DB-test-nested.mmdb", "MaxMind-DB-string-value-entries.mmdb"];
/** Of MaxMind's list, so that a reader that is wrong in the same way as theirs is found as well. */
const KNOWN = { "2.125.160.216": "GB", "81.2.69.142": "GB", "89.160.20.112": "SE", "216.160.83.56": "US", "2001:218::1": "JP", "192.0.2.1": null };

function is(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

/** A token by a rule for these countries. */
async function token(server, id, countries) {
  const rule = { valid: { until_ms: Date.now() + 600_000 } };
  await server.api("PUT", `content/${id}/gating-rules`, { rule, token_seconds: 600, playback: { countries } });
  return (await server.api("POST", `content/${id}/watch`)).playback.hls;
}

/**
 * Which of `codes` the edge takes addresses for: the n-th token opens for the codes whose number has the n-th bit, so that what opens is the
 * number. 0: none.
 */
async function reader(server, id, codes) {
  const bits = [...Array(Math.ceil(Math.log2(codes.length + 1))).keys()];
  const tokens = [];
  for (const bit of bits) tokens.push(await token(server, id, codes.filter((_, n) => (n + 1) >> bit & 1)));
  return async (edge, address) => {
    const answers = await Promise.all(tokens.map((path) => edge.ask(path, { "x-forwarded-for": address })));
    let number = 0;
    answers.forEach((answer, bit) => {
      if (answer.status === 200) number |= 1 << bit;
      else is([answer.status, answer.headers["streamgate-refusal"]], [403, "token-country"], address);
    });
    return number === 0 ? null : codes[number - 1];
  };
}

/** Puts a file in the place of the edge's and has it read again; what is said of it. */
async function reload(edge, path, file) {
  edge.words = ""; // the last few thousand characters are kept
  await copyFile(file, path);
  edge.child.kill("SIGHUP");
  let line;
  await until("the reload", () => (line = edge.words.split("\n").slice(0, -1).find((words) => words.includes("configuration"))));
  return line;
}

/** How a start with this file ends. */
async function start(server, folder, file) {
  const config = join(folder, "start.toml");
  await writeFile(config, `[edge]\nhttp = "127.0.0.1:0"\nadmin = ""\n[upstream]\nurl = "${server.url}"\n[gate]\ncountries = ${JSON.stringify(file)}\n`);
  const child = spawn(server.binary, ["edge", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk) => { words += chunk; });
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(late);
  return { code, words: words.trim() };
}

async function countries(server) {
  const folder = await mkdtemp(join(tmpdir(), "streamgate-countries-"));
  const told = JSON.parse(await python("countries.py", SOURCE, folder, ...OF_COUNTRIES, ...DAMAGED, ...OF_OTHER_THINGS));
  const all = OF_COUNTRIES.flatMap((name) => Object.values(told[name].countries));
  const codes = [...new Set(all)].filter(Boolean).sort();
  const [used, first] = [join(folder, "used.mmdb"), OF_COUNTRIES[0]];
  await copyFile(join(folder, first), used);
  const id = await gated(server, film());
  const lines = `trusted_proxies = ["127.0.0.0/8"]\ntrusted_field = "x-forwarded-for"\n`;
  const edge = await Edge.start(server, lines, undefined, `countries = ${JSON.stringify(used)}\n`);
  try {
    const read = await reader(server, id, codes);
    let compared = 0;
    for (const name of OF_COUNTRIES) {
      const line = await reload(edge, used, join(folder, name));
      if (!line.includes("is read again")) throw new Error(`${name}: ${line}`);
      for (const [address, code] of Object.entries(told[name].countries)) {
        is(await read(edge, address), code, `${address} in ${name}`);
        compared += 1;
      }
    }
    is((await reload(edge, used, join(folder, first))).includes("is read again"), true, first);
    const known = async (what) => {
      for (const [address, code] of Object.entries(KNOWN)) is(await read(edge, address), code, `${address}, ${what}`);
    };
    await known(first);
    for (const name of [...DAMAGED, ...OF_OTHER_THINGS]) {
      is(Boolean(told[name].damaged), DAMAGED.includes(name), `${name}, by MaxMind's reader`);
      const wanted = DAMAGED.includes(name) ? /is damaged, fetch it again|is no MaxMind database/ : /names no country/;
      const line = await reload(edge, used, join(folder, name));
      if (!wanted.test(line) || !line.includes("the old one stays")) throw new Error(`${name}, read again: ${line}`);
      await known(`after ${name}`);
      const { code, words } = await start(server, folder, join(folder, name));
      if (code !== 1 || !wanted.test(words) || !words.includes(name) || words.includes("\n")) throw new Error(`a start with ${name}: ${code}, ${words}`);
    }
    return `${compared} addresses of ${OF_COUNTRIES.length} files, ${codes.length} countries; ${DAMAGED.length + OF_OTHER_THINGS.length} files refused`;
  } finally {
    await edge.end();
    await rm(folder, { recursive: true, force: true });
  }
}

export const COUNTRIES = { countries };
