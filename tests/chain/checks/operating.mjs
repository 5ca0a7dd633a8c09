// The operator's page, in Chromium: a rule is made of sentences, saved, tried for addresses; a rule that somebody else has written meanwhile is not
// overwritten, and what comes from others is shown as text.

import assert from "node:assert/strict";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openBrowser } from "../../browser/chromium.mjs";
import { demoSeals } from "../contracts.mjs";
import { Page } from "../page.mjs";

const CHROMIUM = process.env.STREAMGATE_CHROMIUM ?? "/usr/bin/chromium";
const EVIL = "<img src=x onerror=document.title='owned'>";

export async function operating({ chain, origin, contracts }) {
  const { crew } = contracts;
  const [friend, holder, stranger] = Array.from({ length: 3 }, () => privateKeyToAccount(generatePrivateKey()).address);
  await chain.mined(crew.write.mint([holder, 7n, 2n]));
  const id = await origin.upload("no video at all", `title=${encodeURIComponent(EVIL)}`);
  const edge = await origin.edge();
  const browser = await openBrowser(CHROMIUM);
  try {
    const page = await Page.open(browser, []);
    const { tab } = page;
    const said = (at, words) => page.until(`${at} says ${words}`, ([place, wanted]) => document.getElementById(place).textContent.includes(wanted), [at, words], 10_000);
    // In somebody else's frame there is nothing to press.
    const elsewhere = await Page.open(browser, []);
    await elsewhere.tab.goto(`${edge.url}/v/none/master.m3u8`);
    await elsewhere.tab.evaluate((url) => { document.body.innerHTML = `<iframe src="${url}"></iframe>`; }, `${edge.url}/operate/?v=${id}`);
    const framed = () => document.querySelector("iframe").contentDocument;
    await elsewhere.until("the page in the frame is there", () => document.querySelector("iframe").contentDocument.URL.includes("/operate/") && document.querySelector("iframe").contentDocument.readyState === "complete", null, 10_000);
    assert.equal(await elsewhere.tab.evaluate(`(${framed})().documentElement.innerHTML`), "", "a frame shows the page");
    await elsewhere.tab.close();

    await tab.goto(`${edge.url}/operate/?v=${id}`);
    assert.ok(await tab.isVisible("#key"), "alone it is shown");
    await tab.fill("#key", "sg_wrong_key");
    await tab.press("#key", "Enter");
    await page.until("the wrong key is refused", () => document.getElementById("enter-said").dataset.kind === "refused", null, 5_000);
    await tab.fill("#key", origin.key);
    await tab.press("#key", "Enter");
    await said("sentence", "Nobody may watch.");
    assert.equal(await tab.inputValue("#key"), "", "the key stays in its field");

    // "holds at least 2 of token 7 of ... or is on the list"
    await tab.click("#add");
    await tab.selectOption("#kind", "erc1155");
    await tab.selectOption("#field-chain", "anvil");
    await tab.fill("#field-contract", crew.address);
    await tab.fill("#field-id", "7");
    await tab.fill("#field-min_balance", "2");
    await tab.fill("#field-name", EVIL);
    await tab.click("#leaf-form button[type=submit]");
    await said("sentence", `holds at least 2 of token 7 of “${EVIL}” on a local test chain (anvil)`);
    await tab.click("#add");
    await tab.selectOption("#kind", "allow");
    await tab.fill("#field-wallets", friend);
    await tab.click("#leaf-form button[type=submit]");
    await said("sentence", ", or is on the list (1 wallet) may watch.");
    await tab.getByRole("combobox", { name: "How these conditions belong together" }).selectOption("all");
    await said("sentence", ", and is on the list");
    await tab.getByRole("combobox", { name: "How these conditions belong together" }).selectOption("any");
    await tab.fill("#minutes", "10");

    // Tried before it is saved.
    const tried = async (address, words) => {
      await tab.fill("#address", address);
      await tab.press("#address", "Enter");
      await said("verdict", words);
    };
    await tried(stranger, "No: not let in");
    await page.until("what is missing is listed", () => document.querySelectorAll("#missing li").length >= 3, null, 5_000);
    await tried(friend, "Yes: let in");
    await tried(holder, "Yes: let in");
    assert.equal((await origin.ask("GET", `content/${id}/gating-rules`)).status, 404, "it was saved by being tried");

    await tab.click("#save");
    await said("rule-said", "Saved.");
    const { body: stored } = await origin.ask("GET", `content/${id}/gating-rules`);
    assert.deepEqual(stored.rule, { any: [{ erc1155: { chain: "anvil", contract: crew.address, id: "7", min_balance: "2", name: EVIL } }, { allow: [friend] }] });
    assert.equal(stored.token_seconds, 600);

    // Somebody else writes; what the page has is not saved over it.
    await origin.api("PUT", `content/${id}/gating-rules`, { rule: { allow: [holder] } });
    await tab.getByRole("button", { name: "Remove: is on the list (1 wallet)" }).click();
    await said("sentence", "holds at least 2 of token 7");
    await tab.click("#save");
    await said("rule-said", "Read it and decide again");
    await tab.click("#reread");
    await said("sentence", "Whoever is on the list (1 wallet) may watch.");

    // What the server does not take is said in its words.
    await tab.getByRole("button", { name: "Change: is on the list (1 wallet)" }).click();
    await tab.fill("#field-wallets", "0x123");
    await tab.click("#leaf-form button[type=submit]");
    await tab.click("#save");
    await page.until("it is refused", () => document.getElementById("rule-said").dataset.kind === "refused", null, 5_000);
    await tab.click("#reread");
    await said("sentence", "Whoever is on the list (1 wallet) may watch.");
    await tab.click("#remove");
    await said("sentence", "Nobody may watch.");
    assert.equal((await origin.ask("GET", `content/${id}/gating-rules`)).body.code, "unknown_rule");

    assert.notEqual(await tab.title(), "owned");
    assert.equal(await tab.locator("main img").count(), 0);
    await page.close();
  } finally {
    await browser.close();
    await edge.kill();
  }
}

/** Sentences of whole trees, as the page's own module writes them. */
export async function sentences({ origin }) {
  const edge = await origin.edge();
  const browser = await openBrowser(CHROMIUM);
  try {
    const page = await Page.open(browser, []);
    await page.tab.goto(`${edge.url}/operate/`);
    const address = "0x1111111111111111111111111111111111111111";
    const nft = (more) => ({ erc721: { chain: "polygon", contract: address, ...more } });
    const cases = [
      [nft({ min_balance: "1" }), "holds a token of 0x1111…1111 on Polygon"],
      [nft({ token_ids: ["7", "8"], name: "Crew" }), "holds token 7 or 8 of “Crew” on Polygon"],
      [{ not: { allow: [address] } }, "is not on the list (1 wallet)"],
      [{ any: [{ all: [{ allow: [address] }, nft({ min_balance: "3" })] }, { deny: [address, address] }] },
        "(is on the list (1 wallet) and holds at least 3 tokens of 0x1111…1111 on Polygon), or is not on the list of those who are shut out (2 wallets)"],
      [{ not: { any: [{ allow: [address] }, nft({ min_balance: "1" })] } }, "is not on the list (1 wallet), and does not hold a token of 0x1111…1111 on Polygon"],
      [{ something: { name: "New" } }, "holds “New” (something)"],
    ];
    for (const [node, expected] of cases) {
      const got = await page.tab.evaluate(async (one) => (await import("/operate/rule.js")).sentence(one), node);
      assert.equal(got, expected);
    }
    await page.close();
    return `${cases.length} trees`;
  } finally {
    await browser.close();
    await edge.kill();
  }
}

export function demoSealsAreTheirSource() {
  const { compiled, kept } = demoSeals();
  assert.equal(kept, compiled);
}
