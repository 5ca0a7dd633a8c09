// The operator's page: reads the rule of a video, shows it as sentences, tries it for addresses and writes it. Everything it does is asked of the API,
// with the operator's own key or session; the server decides about rights and about what a rule may be.

import { ask, Refused } from "/watch/gate/api.js";
import { Declined } from "/watch/gate/declined.js";
import { missingItem, walletItems } from "/watch/gate/lists.js";
import { access, session, signIn, signOut } from "/watch/gate/session.js";
import { shortAddress } from "/watch/gate/sentence.js";
import { discover } from "/watch/gate/wallets.js";
import { LeafForm } from "./leaf-form.js";
import { added, at, isGroup, replaced, sentence } from "./rule.js";
import { showTree } from "./tree.js";

const byId = (id) => document.getElementById(id);
const form = new LeafForm();

/** Answers with what requests are made by; null: nobody has said who they are. */
let credential = null;
let asset = null;
/** The tree as it is on the page; `undefined`: no condition. */
let rule;
/** ETag of what was read. */
let version = null;

// Nobody else's page may show this one and have its buttons pressed.
if (window.top !== window.self) document.documentElement.replaceChildren();

discover((wallets) => {
  byId("no-wallet").hidden = true;
  byId("wallets").replaceChildren(...walletItems(wallets, byWallet));
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  byId("key").value = "";
  enter(async () => key, "an API key");
});
byId("leave").addEventListener("click", leave);
byId("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  open(byId("asset").value.trim());
});
byId("add").addEventListener("click", () => add([]));
byId("save").addEventListener("click", () => said("rule-said", save));
byId("reread").addEventListener("click", () => said("rule-said", read));
byId("remove").addEventListener("click", () => said("rule-said", remove));
byId("try-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tryIt();
});
for (const id of ["minutes", "grace"]) byId(id).addEventListener("input", show);
if (session()) enter(access, shortAddress(session().wallet));

async function call(method, path, more = {}) {
  return ask(method, path, { ...more, token: await credential() });
}

/** Runs `act` and tells in `place` what it says, or why it could not be done. */
async function said(place, act) {
  byId(place).textContent = "…";
  delete byId(place).dataset.kind;
  try {
    byId(place).textContent = (await act()) ?? "";
    return true;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Declined)) console.error(error);
    byId(place).dataset.kind = "refused";
    byId(place).textContent = error.message;
    return false;
  }
}

function byWallet(wallet) {
  return said("enter-said", async () => {
    await signIn(wallet);
    await enter(access, shortAddress(session().wallet));
  });
}

/** From here on this credential is shown; what it may is the server's to say. */
async function enter(by, name) {
  credential = by;
  await said("enter-said", async () => {
    try {
      const [{ body: content }, { body: web3 }] = await Promise.all([call("GET", "content?limit=100"), call("GET", "web3/supported-chains")]);
      byId("assets").replaceChildren(...content.items.map(({ id, title }) => new Option(title ?? id, id)));
      form.offers(web3.chains);
    } catch (error) {
      credential = null;
      throw error;
    }
    byId("who").hidden = false;
    byId("who-name").textContent = name;
    byId("enter").hidden = true;
    byId("choose").hidden = false;
    const wanted = new URLSearchParams(location.search).get("v") ?? "";
    if (/^[a-z0-9-]{1,64}$/.test(wanted)) {
      byId("asset").value = wanted;
      await open(wanted);
    } else byId("asset").focus();
  });
}

async function leave() {
  credential = null;
  if (session()) await signOut();
  for (const id of ["who", "choose", "rule", "try"]) byId(id).hidden = true;
  byId("enter").hidden = false;
  byId("key").focus();
}

async function open(id) {
  asset = id;
  byId("rule-said").textContent = "";
  const isThere = await said("choose-said", read);
  byId("rule").hidden = !isThere;
  byId("try").hidden = !isThere;
}

async function read() {
  byId("links-made").hidden = true;
  try {
    const { body, version: read } = await call("GET", `content/${asset}/gating-rules`);
    rule = body.rule;
    version = read;
    byId("minutes").value = Math.round(body.token_seconds / 60);
    byId("grace").value = Math.round(body.grace_seconds / 60);
  } catch (error) {
    if (!(error instanceof Refused && error.code === "unknown_rule")) throw error;
    rule = undefined;
    version = null;
  }
  show();
}

/** The rule of the page as it is written. */
function written() {
  return { rule, token_seconds: 60 * byId("minutes").valueAsNumber, grace_seconds: 60 * byId("grace").valueAsNumber };
}

function show() {
  byId("sentence").textContent = rule === undefined ? "Nobody may watch." : `Whoever ${sentence(rule)} may watch.`;
  byId("json").textContent = rule === undefined ? "" : JSON.stringify(written(), null, 2);
  byId("save").disabled = rule === undefined;
  byId("remove").disabled = version === null;
  // A group has a button of its own for one more.
  byId("add").hidden = isGroup(rule);
  byId("verdict").textContent = "";
  byId("missing").hidden = true;
  showTree(byId("tree"), rule, {
    add, edit,
    remove: (path) => change(replaced(rule, path, undefined)),
    wrap: async (path) => change(await another(path)),
    turn: (path, word) => change(replaced(rule, path, { [word]: Object.values(at(rule, path))[0] })),
  });
}

function change(changed) {
  if (changed === null) return;
  rule = changed;
  byId("rule-said").textContent = "Not saved yet.";
  delete byId("rule-said").dataset.kind;
  show();
}

async function add(path) {
  const leaf = await form.ask(undefined);
  if (leaf !== undefined) change(added(rule, path, leaf));
}

async function edit(path) {
  const leaf = await form.ask(at(rule, path));
  if (leaf !== undefined) change(replaced(rule, path, leaf));
}

/** A condition and another one in a group of their own. */
async function another(path) {
  const leaf = await form.ask(undefined);
  return leaf === undefined ? null : replaced(rule, path, { all: [at(rule, path), leaf] });
}

async function save() {
  for (const id of ["minutes", "grace"]) if (!byId(id).reportValidity()) return "Not saved.";
  // Without a version this is the first rule; with one, nobody may have written another meanwhile.
  const { body } = await call("PUT", `content/${asset}/gating-rules`, { body: written(), version });
  // As it is stored: passwords have names there, and what was written is not to be made again.
  await read();
  showLinks(body?.links ?? []);
  return "Saved. It holds from now on; whoever does not meet it is stopped within seconds.";
}

/** Secrets stand behind #: browsers send that to nobody. */
function showLinks(made) {
  byId("links").replaceChildren(...made.map(({ secret }) => {
    const item = document.createElement("li");
    const link = document.createElement("code");
    link.textContent = new URL(`/watch/?v=${asset}#p=${encodeURIComponent(secret)}`, location.href).href;
    item.append(link);
    return item;
  }));
  byId("links-made").hidden = made.length === 0;
}

async function remove() {
  const { version: now } = await call("DELETE", `content/${asset}/gating-rules`, { version });
  rule = undefined;
  version = now;
  show();
  return "The rule is gone. Nobody is let in until there is another one.";
}

async function tryIt() {
  const wallets = byId("address").value.split(/[\s,]+/).filter(Boolean);
  byId("missing").hidden = true;
  delete byId("verdict").dataset.decided;
  if (rule === undefined) {
    byId("verdict").textContent = "There is no rule: nobody is let in.";
    return;
  }
  await said("verdict", async () => {
    const { body } = await call("POST", "nft/verify", { body: { rule: written(), wallets } });
    byId("verdict").dataset.decided = body.decided;
    byId("missing").replaceChildren(...body.missing.map(missingItem));
    byId("missing").hidden = body.missing.length === 0;
    return { yes: "Yes: let in.", no: "No: not let in. What is missing:" }[body.decided] ?? "In doubt, and so not let in. What is missing:";
  });
}
