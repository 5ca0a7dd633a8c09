// Conditions of Solana in Chromium: the operator's page writes and changes them as sentences, the watch page says what is missing and stops what
// was given away.

import assert from "node:assert/strict";
import { createKeyPairSignerFromPrivateKeyBytes } from "@solana/kit";
import { openBrowser } from "../../browser/chromium.mjs";
import { TOKEN, TOKEN_2022 } from "../cluster.mjs";
import { ofSolana, Page } from "../page.mjs";
import { until } from "../wait.mjs";
import { CHROMIUM, inCinema } from "./watching.mjs";

const CHAIN = "solana-localnet";
const WHERE = "on a local test cluster (Solana)";
const WITHIN_MS = 5_000;

const short = (key) => `${key.slice(0, 6)}…${key.slice(-4)}`;

export async function solanaPage(all) {
  const { cluster } = all;
  const mint = await cluster.mint(TOKEN);
  const rule = () => ({ spl: { chain: CHAIN, mint, min_units: "2", name: "Shells", link: "https://shells.example/buy" } });
  return inCinema(all, rule, async ({ id, edge, browser }) => {
    const wallet = ofSolana("Phantasm", true);
    const { address, secret } = wallet.solana;
    const viewer = await Page.open(browser, [wallet]);
    await viewer.goto(`${edge.url}/watch/?v=${id}`);
    await viewer.door("sign-in");
    await viewer.click(wallet.name);
    await viewer.door("refused");
    const refused = await viewer.words();
    assert.ok(refused.includes(`Hold at least 2 of the smallest unit of the token “Shells” ${WHERE}.`) && refused.includes(mint), refused);
    assert.equal(await viewer.tab.locator("#missing a").getAttribute("href"), "https://shells.example/buy");

    await cluster.give(TOKEN, mint, address, 2n);
    await until("a click lets it in", async () => {
      if (await viewer.tab.isVisible("#door-again:enabled")) await viewer.tab.click("#door-again");
      return viewer.tab.evaluate(() => document.querySelector("video").currentTime > 0);
    }, 15_000);
    await viewer.playedTo(2);
    await cluster.transfer(TOKEN, mint, await createKeyPairSignerFromPrivateKeyBytes(secret), cluster.payer.address, 1n);
    const given = performance.now();
    await viewer.door("refused", WITHIN_MS);
    const took = Math.round(performance.now() - given);
    assert.match(await viewer.words(), /Playback was stopped.*does not meet the rule.*any more.*token “Shells”/);
    await viewer.close();
    return `stopped ${took} ms after the transfer`;
  });
}

export async function solanaOperating({ origin, cluster }) {
  const [coin, coin2022, seals, crew] = [await cluster.mint(TOKEN), await cluster.mint(TOKEN_2022), await cluster.mint(TOKEN), await cluster.collection()];
  await cluster.describe(seals);
  const [holder, stranger] = [ofSolana("", true).solana.address, ofSolana("", true).solana.address];
  await cluster.give(TOKEN, coin, holder, 3n);
  const id = await origin.upload("no video at all");
  const edge = await origin.edge();
  const browser = await openBrowser(CHROMIUM);
  try {
    const page = await Page.open(browser, []);
    const { tab } = page;
    const said = (at, words) => page.until(`${at} says ${words}`, ([place, wanted]) => document.getElementById(place).textContent.includes(wanted), [at, words], 10_000);
    await tab.goto(`${edge.url}/operate/?v=${id}`);
    await tab.fill("#key", origin.key);
    await tab.press("#key", "Enter");
    await said("sentence", "Nobody may watch.");
    const filled = async (fields) => {
      for (const [name, value] of Object.entries(fields)) await tab.fill(`#field-${name}`, value);
      await tab.click("#leaf-form button[type=submit]");
    };
    const adds = async (kind, fields, words) => {
      await tab.click("#add:visible, .group button[aria-label^='Add to these']");
      await tab.selectOption("#kind", kind);
      assert.deepEqual(await tab.locator("#field-chain option").allTextContents(), ["a local test cluster (Solana)"], "contracts are on other chains");
      await filled(fields);
      await said("sentence", words);
    };
    await adds("spl", { mint: coin, min_units: "2000" }, `holds at least 2\u202f000 of the smallest unit of the token ${short(coin)} ${WHERE}`);
    await adds("token2022", { mint: coin2022, min_units: "1", name: "Shells" }, `holds at least 1 of the smallest unit of the token “Shells” ${WHERE}`);
    await adds("metaplex", { collection: seals }, `holds a token that the collection ${short(seals)} ${WHERE} has confirmed`);
    await adds("core", { collection: crew, min_balance: "2" }, `holds at least 2 assets of the collection ${short(crew)} ${WHERE}`);
    await tab.click("button[aria-label^='Change: holds at least 2\u202f000']");
    assert.deepEqual([await tab.inputValue("#kind"), await tab.inputValue("#field-mint")], ["spl", coin], "it is changed as what it is");
    await filled({ min_units: "2" });
    await said("sentence", `holds at least 2 of the smallest unit of the token ${short(coin)}`);

    const tried = async (address, words) => {
      await tab.fill("#address", address);
      await tab.press("#address", "Enter");
      await said("verdict", words);
    };
    await tried(holder, "Yes: let in");
    await tried(stranger, "No: not let in");
    await page.until("what is missing is listed", (key) => document.getElementById("missing").textContent.includes(key), crew, WITHIN_MS);
    await tab.click("#save");
    await said("rule-said", "Saved.");
    const { body } = await origin.ask("GET", `content/${id}/gating-rules`);
    assert.deepEqual(body.rule, { any: [
      { spl: { chain: CHAIN, mint: coin, min_units: "2" } },
      { token2022: { chain: CHAIN, mint: coin2022, min_units: "1", name: "Shells" } },
      { metaplex: { chain: CHAIN, collection: seals, min_balance: "1" } },
      { core: { chain: CHAIN, collection: crew, min_balance: "2" } },
    ] });
    await page.close();
  } finally {
    await browser.close();
    await edge.kill();
  }
}
