// The demo's gated titles, with the two wallets that its page brings: whoever is on the list watches, whoever is not is told what is missing.

import { must } from "../report.mjs";
import { SOON_MS, Watch } from "../watch.mjs";

const ADA = "Ada (demo wallet)";
const BOB = "Bob (demo wallet)";

export async function checkDemo(world) {
  const { report, gated_asset: listed, held_asset: held, chain } = world;
  if (!held) return console.log("skip  the demo's wallets: this is not a demo");
  await report.check("the demo's Ada is on the list, signs in and watches", () => plays(world, listed, ADA));
  await report.check("the demo's Bob is not on the list, and is told so", () => refused(world, listed, BOB, /Be on the list/));
  if (chain) {
    await report.check("the demo's Ada holds a token and watches", () => plays(world, held, ADA));
    await report.check("the demo's Bob holds none, and is told so", () => refused(world, held, BOB, /Hold a token of “Seals”/));
  } else {
    await report.check("without a chain the title for holders opens for nobody", () => refused(world, held, ADA, /Nobody has said who may watch/));
  }
}

async function signIn(watch, name) {
  await watch.until("the door is there", () => document.body.dataset.door === "sign-in");
  await watch.page.getByRole("button", { name }).click();
}

async function plays(world, asset, name) {
  return Watch.with(world, { asset }, async (watch) => {
    await signIn(watch, name);
    await watch.playedTo(2, SOON_MS);
    return watch.page.textContent("#account-wallet");
  });
}

async function refused(world, asset, name, expected) {
  return Watch.with(world, { asset }, async (watch) => {
    await signIn(watch, name);
    await watch.until("it is refused", () => document.body.dataset.door === "refused");
    const words = await watch.page.innerText("#trouble");
    must(expected.test(words), `it says: ${words}`);
    return words.split("\n")[0];
  });
}
