// The form of one condition. What is right is decided by the server when the rule is saved or tried; here only what cannot be written is refused.

import { chainName } from "/watch/gate/sentence.js";
import { KINDS, parts } from "./rule.js";

const ADDRESS = "0x[0-9a-fA-F]{40}";
/** 32 bytes in base58. */
const KEY = "[1-9A-HJ-NP-Za-km-z]{32,44}";
const byId = (id) => document.getElementById(id);

const CONTRACT = [
  { name: "chain", label: "on the chain", type: "chain" },
  { name: "contract", label: "Contract", pattern: ADDRESS, placeholder: "0x…", required: true },
];
const onCluster = (name, label) => [
  { name: "chain", label: "on the cluster", type: "cluster" },
  { name, label, pattern: KEY, required: true },
];
const SHOWN = [
  { name: "name", label: "Its name, for whoever is refused", maxLength: 200 },
  { name: "link", label: "Where it can be had", type: "url", placeholder: "https://", maxLength: 200 },
];
const DELEGATED = { name: "delegated", label: "also what is delegated to the viewer (delegate.xyz)", type: "checkbox" };
const NUMBER = { pattern: "[0-9]{1,78}", inputMode: "numeric" };
const UNITS = { name: "min_units", label: "At least so many of its smallest unit", ...NUMBER, required: true };
const COUNT = { name: "min_balance", label: "At least so many", ...NUMBER, required: true, initial: "1" };

/** Fields of each kind. */
const FIELDS = {
  erc721: [...CONTRACT, { name: "min_balance", label: "At least so many", ...NUMBER, placeholder: "1" }, { name: "token_ids", label: "or one of these token ids", pattern: "[0-9, ]*", placeholder: "7, 8, 9" }, DELEGATED, ...SHOWN],
  erc1155: [...CONTRACT, { name: "id", label: "Token id", ...NUMBER, required: true }, COUNT, DELEGATED, ...SHOWN],
  erc20: [...CONTRACT, UNITS, DELEGATED, ...SHOWN],
  unlock: [...CONTRACT, ...SHOWN],
  spl: [...onCluster("mint", "Mint"), UNITS, ...SHOWN],
  token2022: [...onCluster("mint", "Mint"), UNITS, ...SHOWN],
  metaplex: [...onCluster("collection", "Mint of the collection"), COUNT, ...SHOWN],
  core: [...onCluster("collection", "Collection"), COUNT, ...SHOWN],
  allow: [{ name: "wallets", label: "Wallets, one a line", type: "lines" }],
  deny: [{ name: "wallets", label: "Wallets, one a line", type: "lines" }],
  password: [
    { name: "secret", label: "Password, 8 characters at least; empty: the one that is kept", minLength: 8, maxLength: 256 },
    { name: "make", label: "a link that opens it instead, shown when the rule is saved", type: "checkbox" },
    { name: "name", label: "Its name, for whoever is refused", maxLength: 200 },
  ],
  valid: [{ name: "from_ms", label: "From", type: "datetime-local" }, { name: "until_ms", label: "Until", type: "datetime-local" }],
  json: [{ name: "json", label: "The condition (docs/formats/rules.md)", type: "lines", required: true }],
};

export class LeafForm {
  #chains = [];
  #clusters = [];
  #done = null;
  /** Of a password that is stored already. */
  #id = null;

  constructor() {
    byId("kind").addEventListener("change", () => this.#show(byId("kind").value, {}));
    byId("leaf-cancel").addEventListener("click", () => byId("leaf").close());
    byId("leaf").addEventListener("close", () => this.#finish(undefined));
    byId("leaf-form").addEventListener("submit", (event) => {
      event.preventDefault();
      try {
        const leaf = this.#read();
        this.#finish(byId("negated").checked ? { not: leaf } : leaf);
        byId("leaf").close();
      } catch (error) {
        byId("leaf-said").textContent = error.message;
      }
    });
  }

  /** @param {{name: string, id: number}[]} chains of the server's configuration; clusters of Solana have the number 0 */
  offers(chains) {
    const names = (some) => some.map(({ name }) => name);
    this.#chains = names(chains.filter(({ id }) => id !== 0));
    this.#clusters = names(chains.filter(({ id }) => id === 0));
  }

  /** Asks for a condition, from `node` on; `undefined`: none was given. @returns {Promise<object|undefined>} */
  ask(node) {
    const isNot = parts(node)[0] === "not";
    const leaf = isNot ? parts(node)[1] : node;
    const [word, value] = leaf === undefined ? ["erc721", {}] : parts(leaf);
    const kind = KINDS.includes(word) ? word : "json";
    byId("kind").value = kind;
    byId("negated").checked = isNot;
    this.#id = word === "password" ? value.id ?? null : null;
    this.#show(kind, kind === "json" ? { json: JSON.stringify(leaf, null, 2) } : Array.isArray(value) ? { wallets: value.join("\n") } : value);
    byId("leaf").showModal();
    return new Promise((resolve) => { this.#done = resolve; });
  }

  #finish(leaf) {
    this.#done?.(leaf);
    this.#done = null;
  }

  #show(kind, value) {
    byId("leaf-said").textContent = "";
    byId("fields").replaceChildren(...FIELDS[kind].map((field) => this.#field(field, value[field.name])));
  }

  #field({ name, label, type = "text", initial = "", ...properties }, value) {
    const row = document.createElement("label");
    const isChain = type === "chain" || type === "cluster";
    const input = isChain ? chainSelect(type === "chain" ? this.#chains : this.#clusters, value) : document.createElement(type === "lines" ? "textarea" : "input");
    input.name = name;
    input.id = `field-${name}`;
    if (input instanceof HTMLInputElement) Object.assign(input, { type, autocomplete: "off", spellcheck: false });
    Object.assign(input, properties);
    if (type === "checkbox") input.checked = value === true;
    else if (type === "datetime-local") input.value = value == null ? "" : localTime(value);
    else if (!isChain) input.value = Array.isArray(value) ? value.join(", ") : value ?? initial;
    row.className = type === "checkbox" ? "check" : "";
    if (type === "checkbox") row.append(input, ` ${label}`);
    else row.append(label, input);
    return row;
  }

  /** @throws {Error} what cannot be written */
  #read() {
    const kind = byId("kind").value;
    const field = (name) => byId("fields").querySelector(`[name=${name}]`);
    const text = (name) => field(name)?.value.trim() ?? "";
    if (kind === "json") return JSON.parse(text("json"));
    if (kind === "allow" || kind === "deny") {
      const wallets = text("wallets").split(/[\s,]+/).filter(Boolean);
      if (wallets.length === 0) throw new Error("A list needs a wallet.");
      return { [kind]: wallets };
    }
    if (kind === "password") {
      const name = text("name") === "" ? {} : { name: text("name") };
      if (field("make").checked) return { password: { make: true, ...name } };
      if (text("secret") !== "") return { password: { secret: field("secret").value, ...name } };
      if (this.#id === null) throw new Error("Write a password, or have a link made.");
      return { password: { id: this.#id, ...name } };
    }
    if (kind === "valid") {
      const time = (name) => (text(name) === "" ? {} : { [name]: new Date(text(name)).getTime() });
      const span = { ...time("from_ms"), ...time("until_ms") };
      if (Object.keys(span).length === 0) throw new Error("A time needs a beginning or an end.");
      return { valid: span };
    }
    const value = { chain: text("chain") };
    if (value.chain === "") throw new Error("No such chain is configured at the origin ([[gate.chains]]).");
    for (const name of ["contract", "mint", "collection", "id", "min_balance", "min_units", "name", "link"]) if (text(name) !== "") value[name] = text(name);
    const ids = text("token_ids").split(/[\s,]+/).filter(Boolean);
    if (ids.length > 0) value.token_ids = ids;
    if (kind === "erc721" && ids.length === 0 && !value.min_balance) value.min_balance = "1";
    if (kind === "erc721" && ids.length > 0 && value.min_balance) throw new Error("Say how many, or which ones; not both.");
    if (field("delegated")?.checked) value.delegated = true;
    return { [kind]: value };
  }
}

function chainSelect(offered, value) {
  const select = document.createElement("select");
  const names = value && !offered.includes(value) ? [value, ...offered] : offered;
  select.append(...names.map((name) => new Option(chainName(name), name, false, name === value)));
  return select;
}

/** Milliseconds since 1970 as the field has it: the time here, without a zone. */
function localTime(ms) {
  return new Date(ms - 60_000 * new Date(ms).getTimezoneOffset()).toISOString().slice(0, 16);
}
