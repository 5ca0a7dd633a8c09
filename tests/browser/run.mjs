// A real browser plays what the edge serves: HLS by hls.js and DASH by dash.js, AV1 and H.264.
//
//   node run.mjs --edge http://127.0.0.1:8080 --asset demo [--gated-asset ID --token TOKEN]
//   node run.mjs --binary path/to/streamgate      starts `streamgate demo` itself, and ends it
//
// One line a check, then `N passed, N failed`; the exit code is 1 when one failed and 2 when nothing could be run.

import { openBrowser } from "./chromium.mjs";
import { startInstance } from "./instance.mjs";
import { readOptions } from "./options.mjs";
import { Report } from "./report.mjs";
import { checkCache } from "./checks/cache.mjs";
import { checkDemo } from "./checks/demo.mjs";
import { checkEncrypted } from "./checks/encrypted.mjs";
import { checkEngineSwitch } from "./checks/engine-switch.mjs";
import { checkGate } from "./checks/gate.mjs";
import { checkModules } from "./checks/modules.mjs";
import { checkNetwork } from "./checks/network.mjs";
import { checkPages } from "./checks/pages.mjs";
import { checkPictures } from "./checks/pictures.mjs";
import { checkPlays } from "./checks/plays.mjs";
import { checkRenditionSwitch } from "./checks/rendition-switch.mjs";
import { checkSeek } from "./checks/seek.mjs";
import { checkSound } from "./checks/sound.mjs";

const CHECKS = [checkPages, checkModules, checkPlays, checkPictures, checkSound, checkSeek, checkRenditionSwitch, checkEngineSwitch, checkCache, checkGate, checkEncrypted, checkDemo, checkNetwork];

async function main() {
  const options = readOptions(process.argv.slice(2), process.env);
  const report = new Report(options.only);
  const instance = options.binary ? await startInstance(options.binary) : null;
  let browser = null;
  try {
    browser = await openBrowser(options.chromium);
    const world = { browser, report, ...options.target, ...instance?.target };
    for (const check of CHECKS) await check(world);
  } finally {
    await browser?.close();
    await instance?.stop();
  }
  return report.end();
}

main().then(
  (failed) => process.exit(failed === 0 ? 0 : 1),
  (error) => {
    console.error(`the browser tests could not run: ${error.message}`);
    process.exit(2);
  },
);
