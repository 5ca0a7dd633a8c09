// The watch page, in Chromium: several wallets announce themselves; one signs in, is told what is missing, gets a token and plays, gives the token
// away and is stopped with the reason on the page; a playback token that ends soon is renewed while both players go on.

import assert from "node:assert/strict";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openBrowser } from "../../browser/chromium.mjs";
import { film } from "../media.mjs";
import { ofSolana, Page } from "../page.mjs";
import { Origin } from "../program.mjs";
import { until } from "../wait.mjs";

const WITHIN_MS = 5_000;
const FILM_SECONDS = 40;
export const CHROMIUM = process.env.STREAMGATE_CHROMIUM ?? "/usr/bin/chromium";

const person = (name, more = {}) => ({ name, account: privateKeyToAccount(generatePrivateKey()), ...more });

/** A gated film, an edge, a browser; all ended whatever happens. */
export async function inCinema({ origin, contracts }, rule, act) {
  const id = await origin.upload(film(FILM_SECONDS), "title=film");
  await origin.api("PUT", `content/${id}/gating-rules`, { rule: rule(contracts), token_seconds: 300 });
  await until("it plays", async () => (await origin.api("GET", `content/${id}`)).playable);
  const edge = await origin.edge();
  let browser = null;
  try {
    browser = await openBrowser(CHROMIUM);
    return await act({ id, edge, browser });
  } finally {
    await browser?.close();
    await edge.kill();
  }
}

const seal = ({ seals }) => ({ erc721: { chain: "anvil", contract: seals.address, min_balance: "1", name: "Seals", link: "https://seals.example/buy" } });

export async function page(all) {
  const { chain, contracts } = all;
  return inCinema(all, seal, async ({ id, edge, browser }) => {
    const [shy, ada] = [person("Shy Wallet", { declines: true }), person("Ada's <b>Wallet</b>")];
    const viewer = await Page.open(browser, [shy, ada]);
    await viewer.goto(`${edge.url}/watch/?v=${id}`);
    await viewer.door("sign-in");
    assert.match(await viewer.words(), /token-missing/);
    assert.deepEqual(await viewer.tab.locator("#wallets .name").allTextContents(), [shy.name, ada.name]);

    await viewer.click(shy.name);
    await viewer.until("it is said that the wallet declined", () => /declined/.test(document.getElementById("door-said").textContent), null, WITHIN_MS);
    await viewer.click(ada.name);
    await viewer.door("refused");
    const refused = await viewer.words();
    assert.match(refused, /Hold a token of “Seals” on a local test chain/);
    assert.ok(refused.includes(contracts.seals.address) && refused.includes("rule_not_met"), refused);
    assert.equal(await viewer.tab.locator("#missing a").getAttribute("href"), "https://seals.example/buy");

    await chain.mined(contracts.seals.write.mint([ada.account.address, 9001n]));
    await until("a click lets it in", async () => {
      if (await viewer.tab.isVisible("#door-again:enabled")) await viewer.tab.click("#door-again");
      return viewer.tab.evaluate(() => document.querySelector("video").currentTime > 0);
    }, 15_000);
    await viewer.playedTo(2);

    const given = performance.now();
    const as = await chain.as(ada.account.address);
    await chain.mined(contracts.seals.write.transferFrom([ada.account.address, shy.account.address, 9001n], as));
    const mined = performance.now();
    await viewer.door("refused", WITHIN_MS);
    const took = Math.round(performance.now() - mined);
    const told = await viewer.words();
    assert.match(told, /Playback was stopped.*does not meet the rule.*any more.*Hold a token of “Seals”/);
    assert.equal(await viewer.tab.$eval("video", (video) => video.currentSrc !== "" && !video.paused && video.readyState > 2), false, "it still plays");
    assert.ok(performance.now() - given < WITHIN_MS + 2_000);

    // Whoever signs out is asked to sign in again, and the server has forgotten the session.
    await viewer.click("Sign out");
    await viewer.door("sign-in");
    assert.equal(await viewer.tab.evaluate(() => localStorage.length), 0);
    await viewer.close();
    await ofSolanaToo(browser, edge, id);
    return `stopped ${took} ms after the block`;
  });
}

/** Wallets of the Wallet Standard sign in, with and without solana:signIn. */
async function ofSolanaToo(browser, edge, id) {
  for (const wallet of [ofSolana("Phantasm", true), ofSolana("Plain Solana", false)]) {
    const viewer = await Page.open(browser, [wallet]);
    await viewer.goto(`${edge.url}/watch/?v=${id}`);
    await viewer.door("sign-in");
    await viewer.click(wallet.name);
    await viewer.door("refused");
    assert.equal(await viewer.tab.getAttribute("#account-wallet", "title"), wallet.solana.address);
    await viewer.close();
  }
}

/** Two tabs share a session whose access token is over before each question: its refresh token is of use once, and no tab loses it. */
export async function tabs({ chain, options }) {
  const origin = await Origin.start(options.binary, chain.url, "access_seconds = 10\n");
  try {
    const ada = person("Ada");
    return await inCinema({ origin }, () => ({ allow: [person("").account.address] }), async ({ id, edge, browser }) => {
      const viewer = await Page.open(browser, [ada]);
      await viewer.goto(`${edge.url}/watch/?v=${id}`);
      await viewer.door("sign-in");
      await viewer.click(ada.name);
      await viewer.door("refused");
      const second = await viewer.tab.context().newPage();
      await second.goto(`${edge.url}/watch/?v=${id}`);
      await second.waitForFunction(() => document.body.dataset.door === "refused");
      const ask = (tab) => tab.evaluate(async () => {
        const { access } = await import("/watch/gate/session.js");
        for (let n = 0; n < 10; n += 1) await access();
      });
      const before = browser.requests.length;
      await Promise.all([ask(viewer.tab), ask(second)]);
      const renewed = browser.requests.slice(before).filter(({ pathname }) => pathname === "/api/v1/auth/refresh").length;
      assert.ok(renewed >= 10, `renewed ${renewed} times`);
      // Signing out in one tab is seen in the other.
      await viewer.click("Sign out");
      await second.waitForFunction(() => document.getElementById("account").hidden, null, { timeout: WITHIN_MS });
      await viewer.close();
      return `renewed ${renewed} times`;
    });
  } finally {
    await origin.end();
  }
}

/** Tokens of a few seconds, by the API that mints them for operators: the edge really refuses each when its time is over. */
export async function renewal(all) {
  const { origin } = all;
  const ada = person("Ada");
  return inCinema(all, () => ({ allow: [ada.account.address] }), async ({ id, edge, browser }) => {
    const both = await Promise.all(["hls", "dash"].map((player) => renewed({ origin, id, edge, browser, ada, player })));
    // Another rule: the next renewal is refused, and what plays is stopped.
    await origin.api("PUT", `content/${id}/gating-rules`, { rule: { allow: [person("").account.address] } });
    for (const { viewer } of both) {
      await viewer.door("refused", 2 * WITHIN_MS);
      assert.match(await viewer.words(), /Playback was stopped.*Be on the list\..*rule_not_met/);
      await viewer.close();
    }
    return `${both.map(({ said }) => said).join(", ")}, no stall`;
  });
}

async function renewed({ origin, id, edge, browser, ada, player }) {
  const viewer = await Page.open(browser, [ada]);
  const tokens = [];
  await viewer.tab.route(`**/content/${id}/watch`, async (route) => {
    const decided = await route.fetch();
    if (decided.status() !== 201) return route.fulfill({ response: decided });
    const short = await origin.api("POST", `content/${id}/token`, { ttl_seconds: 4 });
    tokens.push(short.token);
    return route.fulfill({ status: 201, contentType: "application/json", headers: { date: decided.headers().date }, body: JSON.stringify(short) });
  });
  await viewer.goto(`${edge.url}/watch/?v=${id}&player=${player}`);
  await viewer.door("sign-in");
  await viewer.click(ada.name);
  await viewer.playedTo(13, 60_000);
  assert.ok(tokens.length > 3, `${tokens.length} tokens`);
  assert.deepEqual(await viewer.tab.evaluate(() => globalThis.waits.filter((at) => at > 0.5)), [], `${player}.js stalled`);
  assert.equal((await edge.get(`/p/${tokens[0]}/v/${id}/master.m3u8`)).reason, "token-expired");
  return { viewer, said: `${player}.js went on over ${tokens.length} tokens` };
}

/** A rule with a password and a link, made on the operator's page; the watch page asks for the one and takes the other out of its address. */
export async function secrets({ origin }) {
  const id = await origin.upload(film(4), "title=film");
  await origin.api("PUT", `content/${id}/gating-rules`, { rule: { allow: [person("").account.address] } });
  await until("it plays", async () => (await origin.api("GET", `content/${id}`)).playable);
  const edge = await origin.edge();
  const browser = await openBrowser(CHROMIUM);
  try {
    const operator = await Page.open(browser, []);
    await operator.tab.goto(`${edge.url}/operate/?v=${id}`);
    await operator.tab.fill("#key", origin.key);
    await operator.tab.press("#key", "Enter");
    await operator.tab.getByRole("button", { name: "Remove: is on the list (1 wallet)" }).click();
    for (const fill of [() => operator.tab.fill("#field-secret", "open sesame"), () => operator.tab.check("#field-make")]) {
      await operator.tab.click("#add:visible, #tree .group > button");
      await operator.tab.selectOption("#kind", "password");
      await fill();
      await operator.tab.click("#leaf-form button[type=submit]");
    }
    await operator.tab.click("#save");
    await operator.until("the link is shown", () => document.querySelectorAll("#links li").length === 1, null, WITHIN_MS);
    const link = await operator.tab.textContent("#links code");
    await operator.close();

    const ada = person("Ada");
    const guest = await Page.open(browser, [ada]);
    await guest.goto(`${edge.url}/watch/?v=${id}`);
    await guest.door("sign-in");
    await guest.click(ada.name);
    await guest.door("refused");
    assert.match(await guest.words(), /password_needed/);
    await guest.tab.fill("#password", "wrong wrong");
    await guest.tab.press("#password", "Enter");
    await guest.until("it is wrong", () => /password_wrong/.test(document.body.dataset.trouble) && document.getElementById("door").getAttribute("aria-busy") !== "true", null, WITHIN_MS);
    await guest.tab.fill("#password", "open sesame");
    await guest.tab.press("#password", "Enter");
    await guest.playedTo(1);
    await guest.close();

    const bob = person("Bob");
    const invited = await Page.open(browser, [bob]);
    await invited.goto(link);
    await invited.door("sign-in");
    await invited.click(bob.name);
    await invited.playedTo(1);
    await invited.close();
  } finally {
    await browser.close();
    await edge.kill();
  }
}
