// Conditions in words a person reads: those of a rule ("holds at least 2 of token 7 of ...") and those that are missing ("Hold ..."). Pure.

const CHAINS = {
  ethereum: "Ethereum", sepolia: "Sepolia", polygon: "Polygon", "polygon-amoy": "Polygon Amoy", bsc: "BNB Smart Chain",
  "bsc-testnet": "BNB Smart Chain Testnet", arbitrum: "Arbitrum One", "arbitrum-sepolia": "Arbitrum Sepolia", optimism: "OP Mainnet",
  "optimism-sepolia": "OP Sepolia", base: "Base", "base-sepolia": "Base Sepolia", anvil: "a local test chain (anvil)", solana: "Solana",
  "solana-devnet": "Solana Devnet", "solana-testnet": "Solana Testnet", "solana-localnet": "a local test cluster (Solana)",
};

const WHY = {
  "not-settled": "What happened on the chain is not settled yet. It will be in a moment.",
  "contract-garbled": "The contract does not answer as its standard has it.",
  "too-many-tokens": "The wallet holds more different tokens than are looked through.",
  "chain-not-read": "The chain cannot be read right now.",
};

export const chainName = (name) => CHAINS[name] ?? String(name);

/** `0x1234…abcd`. */
export const shortAddress = (address) => (address.length > 13 ? `${address.slice(0, 6)}…${address.slice(-4)}` : address);

/** `1234567` with its digits in groups. */
export const grouped = (digits) => String(digits).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Milliseconds since 1970 as date and time here. */
export const moment = (ms) => new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * One condition that is missing (`missing` of a refusal, docs/formats/rules.md).
 * @returns {{text: string, why: string|null, contract: string|null, link: string|null}}
 */
export function missingSentence(leaf) {
  const text = leaf.standard === "time" ? hours(leaf) : condition(leaf, leaf.wanted === false ? NOT_YOU : YOU);
  const link = typeof leaf.link === "string" && /^https?:\/\//.test(leaf.link) ? leaf.link : null;
  return { text: `${text[0].toUpperCase()}${text.slice(1)}.`, why: WHY[leaf.why] ?? null, contract: place(leaf) ?? null, link };
}

/** Where it is to be found: a contract, or on Solana a mint or a collection. */
const place = (leaf) => leaf.contract ?? leaf.mint ?? leaf.collection;

/** When it is open, or when it is not. */
function hours({ from_ms, until_ms, wanted }) {
  const span = [from_ms != null && `from ${moment(from_ms)}`, until_ms != null && `until ${moment(until_ms)}`].filter(Boolean).join(" ");
  return wanted === false ? `it is closed ${span}` : `it is open ${span}`;
}

/** How verbs stand: to whoever is refused, and of a viewer in a rule. */
const YOU = { hold: "hold", be: "be", come: "come", give: "give" };
const NOT_YOU = { hold: "do not hold", be: "do not be", come: "do not come", give: "do not give" };
export const VIEWER = { hold: "holds", be: "is", come: "comes", give: "gives" };

/**
 * A condition without an end: `hold at least 2 tokens of “Crew” on Polygon`.
 * @param {object} leaf as a refusal writes it; see `leafOf` for those of a rule
 */
export function condition(leaf, verbs) {
  const on = leaf.chain ? ` on ${chainName(leaf.chain)}` : "";
  const what = leaf.name ? `“${leaf.name}”` : place(leaf) ? shortAddress(place(leaf)) : "it";
  const ids = (leaf.token_ids ?? []).map((id) => grouped(id)).join(" or ");
  const delegated = leaf.delegated ? ", or stands in for who does (delegate.xyz)" : "";
  switch (leaf.standard) {
    case "erc721":
      if (ids) return `${verbs.hold} token ${ids} of ${what}${on}${delegated}`;
      return `${verbs.hold} ${leaf.amount === "1" ? "a token" : `at least ${grouped(leaf.amount)} tokens`} of ${what}${on}${delegated}`;
    case "erc1155":
      return `${verbs.hold} at least ${grouped(leaf.amount)} of token ${ids} of ${what}${on}${delegated}`;
    case "erc20":
      return `${verbs.hold} at least ${grouped(leaf.amount)} of the smallest unit of ${what}${on}${delegated}`;
    case "unlock":
      return `${verbs.hold} a key of the lock ${what}${on} that has not run out`;
    case "spl":
    case "token2022":
      return `${verbs.hold} at least ${grouped(leaf.amount)} of the smallest unit of the token ${what}${on}`;
    case "metaplex":
      return `${verbs.hold} ${leaf.amount === "1" ? "a token" : `at least ${grouped(leaf.amount)} tokens`} that the collection ${what}${on} has confirmed`;
    case "core":
      return `${verbs.hold} ${leaf.amount === "1" ? "an asset" : `at least ${grouped(leaf.amount)} assets`} of the collection ${what}${on}`;
    case "password":
      return leaf.name ? `${verbs.give} the password of “${leaf.name}”` : `${verbs.give} the password`;
    case "allow-list":
      return `${verbs.be} on the list`;
    case "deny-list":
      return `${verbs.be} not on the list of those who are shut out`;
    case "time":
      return `${verbs.come} ${[leaf.from_ms != null && `from ${moment(leaf.from_ms)} on`, leaf.until_ms != null && `before ${moment(leaf.until_ms)}`].filter(Boolean).join(" and ")}`;
    default:
      return other(leaf, verbs, on);
  }
}

/** Standards that this page does not know by name. */
function other(leaf, verbs, on) {
  const what = leaf.name ? `“${leaf.name}”` : place(leaf);
  if (!what) return `${verbs.be} let in by “${leaf.standard ?? "another condition"}”`;
  return `${verbs.hold} ${leaf.amount ? `at least ${grouped(leaf.amount)} of ` : ""}${what}${on} (${leaf.standard})`;
}
