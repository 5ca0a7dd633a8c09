// Uploads, sign-ins, calls and webhooks by clients that are not ours. One line a check; the exit code is 1 when one failed.
//
//   node run.mjs --binary path/to/streamgate [--kills 20] [--only WORD] [--weed path/to/weed]

import { dirname, join } from "node:path";
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { BROWSER } from "./browser.mjs";
import { COUNTRIES } from "./countries.mjs";
import { GRPC } from "./grpc.mjs";
import { Server } from "./server.mjs";
import { SIGN_IN } from "./signin.mjs";
import { STREAMS } from "./streams.mjs";
import { TOKENS } from "./tokens.mjs";
import { TUS } from "./tus.mjs";
import { WEBHOOKS } from "./webhooks.mjs";

const { values } = parseArgs({
  options: { binary: { type: "string" }, kills: { type: "string", default: "20" }, only: { type: "string", default: "" }, weed: { type: "string" } },
});
const beside = join(dirname(values.binary), "../seaweedfs/bin/weed");
const options = { binary: values.binary, kills: Number(values.kills), weed: values.weed ?? (existsSync(beside) ? beside : "weed") };

const ALL = { ...TUS, ...BROWSER, ...SIGN_IN, ...WEBHOOKS, ...GRPC, ...TOKENS, ...STREAMS, ...COUNTRIES };
const CHECKS = Object.fromEntries(Object.entries(ALL).filter(([name]) => name.includes(values.only)));

const server = await Server.start(options.binary);
let failed = 0;
try {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      const said = await check(server, options);
      console.log(`pass ${name}${said ? ` (${said})` : ""}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error.message}`);
    }
  }
} finally {
  await server.end();
}
console.log(`${Object.keys(CHECKS).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
