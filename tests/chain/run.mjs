// The gate against a real chain. One line a check; the exit code is 1 when one failed.
//
//   node run.mjs --binary path/to/streamgate [--only WORD]

import { parseArgs } from "node:util";
import { Chain } from "./anvil.mjs";
import { holding } from "./checks/holding.mjs";
import { delegates } from "./checks/delegates.mjs";
import { hostileSignatures } from "./checks/hostile.mjs";
import { keysChanged, titleKeys } from "./checks/keys.mjs";
import { minted } from "./checks/minted.mjs";
import { nft } from "./checks/nft.mjs";
import { demoSealsAreTheirSource, operating, sentences } from "./checks/operating.mjs";
import { referrers } from "./checks/referrers.mjs";
import { ended, transferred } from "./checks/revocation.mjs";
import { plainText, signing, typedData } from "./checks/signing.mjs";
import { solanaCoins, solanaCollections, solanaLies, solanaStorm, solanaTogether, solanaTransferred, solanaTrees } from "./checks/solana.mjs";
import { solanaForgeries } from "./checks/solana_forgeries.mjs";
import { solanaBehind, solanaNodes } from "./checks/solana_nodes.mjs";
import { solanaOperating, solanaPage } from "./checks/solana_page.mjs";
import { storm } from "./checks/storm.mjs";
import { subscribed } from "./checks/subscribed.mjs";
import { trees } from "./checks/trees.mjs";
import { page, renewal, secrets, tabs } from "./checks/watching.mjs";
import { contractWallets, hostileWallets, judgeIsItsSource, safes, unmadeWallets } from "./checks/wallets.mjs";
import { Cluster } from "./cluster.mjs";
import { Origin } from "./program.mjs";

const { values: options } = parseArgs({ options: { binary: { type: "string" }, only: { type: "string", default: "" } } });

const CHECKS = { signing, typedData, plainText, holding, trees, transferred, subscribed, ended, minted, keysChanged, titleKeys, contractWallets, unmadeWallets, hostileWallets, safes, judgeIsItsSource, delegates, hostileSignatures, nft, storm, referrers, page, renewal, tabs, secrets, operating, sentences, demoSealsAreTheirSource, solanaCoins, solanaCollections, solanaLies, solanaTrees, solanaTransferred, solanaTogether, solanaForgeries, solanaStorm, solanaBehind, solanaNodes, solanaPage, solanaOperating };
const wanted = Object.entries(CHECKS).filter(([name]) => name.toLowerCase().includes(options.only.toLowerCase()));

let failed = 0;
const [chain, cluster] = [await Chain.start(), await Cluster.start()];
let origin;
try {
  origin = await Origin.start(options.binary, chain.url, "", "", { rpc: [cluster.node.url] });
  const contracts = { seals: await chain.deploy("Seals"), crew: await chain.deploy("Crew"), coin: await chain.deploy("Coin") };
  for (const [name, check] of wanted) {
    const begun = performance.now();
    try {
      const said = await check({ chain, cluster, origin, contracts, options });
      console.log(`pass ${name} in ${Math.round(performance.now() - begun)} ms${said ? ` (${said})` : ""}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error.stack}`);
    }
  }
} finally {
  await origin?.end();
  await chain.end();
  await cluster.end();
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
