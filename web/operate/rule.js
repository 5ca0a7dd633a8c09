// A rule in sentences, and what can be done with its tree. Pure: every change is a new tree. docs/formats/rules.md draws it.

import { condition, VIEWER } from "/watch/gate/sentence.js";

const VIEWER_NOT = { hold: "does not hold", be: "is not", come: "does not come", give: "does not give" };
/** Conditions that the form knows; any other is written as JSON. */
export const KINDS = ["erc721", "erc1155", "erc20", "unlock", "spl", "token2022", "metaplex", "core", "allow", "deny", "password", "valid"];

/** The one word of a node, and what stands behind it. */
export function parts(node) {
  const entry = node && typeof node === "object" ? Object.entries(node)[0] : undefined;
  return entry ?? ["", null];
}

export const isGroup = (node) => ["all", "any"].includes(parts(node)[0]) && Array.isArray(parts(node)[1]);

/** A leaf of a rule as a refusal would write it. */
function leafOf(node) {
  const [kind, value] = parts(node);
  switch (kind) {
    case "erc721": return { ...value, standard: kind, amount: value.min_balance };
    case "erc1155": return { ...value, standard: kind, amount: value.min_balance, token_ids: [value.id] };
    case "metaplex":
    case "core": return { ...value, standard: kind, amount: value.min_balance };
    case "spl":
    case "token2022":
    case "erc20": return { ...value, standard: kind, amount: value.min_units };
    case "valid": return { ...value, standard: "time" };
    default: return { ...(typeof value === "object" && !Array.isArray(value) ? value : {}), standard: kind };
  }
}

/** One condition: `holds at least 2 of token 7 of 0x1111…1111 on Polygon`. */
export function leafSentence(node, isNot = false) {
  const [kind, value] = parts(node);
  const verbs = isNot ? VIEWER_NOT : VIEWER;
  if (kind === "allow") return `${verbs.be} on the list${value.length === 1 ? " (1 wallet)" : ` (${value.length} wallets)`}`;
  if (kind === "deny") return `${isNot ? "is" : "is not"} on the list of those who are shut out (${value.length === 1 ? "1 wallet" : `${value.length} wallets`})`;
  return condition(leafOf(node), verbs);
}

/** The whole: `holds a token of “Seals” on Ethereum, or is on the list (3 wallets)`. Groups in groups stand in brackets. */
export function sentence(node, isNot = false, isInner = false) {
  const [kind, value] = parts(node);
  if (kind === "not") return sentence(value, !isNot, isInner);
  if (!isGroup(node)) return leafSentence(node, isNot);
  if (value.length === 0) return "…";
  // De Morgan: not all of them is one of the opposites.
  const word = (kind === "all") !== isNot ? "and" : "or";
  const text = value.map((one) => sentence(one, isNot, true)).join(value.length > 2 || !isInner ? `, ${word} ` : ` ${word} `);
  return isInner && value.length > 1 ? `(${text})` : text;
}

/** The node at a path of positions; `not` has one, 0. */
export function at(node, path) {
  return path.reduce((here, position) => (parts(here)[0] === "not" ? parts(here)[1] : parts(here)[1][position]), node);
}

/** The tree with another node at the path; `undefined`: without it. A group that is left empty goes as well. */
export function replaced(node, path, put) {
  if (path.length === 0) return put;
  const [kind, value] = parts(node);
  const [position, ...rest] = path;
  if (kind === "not") {
    const within = replaced(value, rest, put);
    return within === undefined ? undefined : { not: within };
  }
  const list = value.map((one, n) => (n === position ? replaced(one, rest, put) : one)).filter((one) => one !== undefined);
  return list.length === 0 ? undefined : { [kind]: list };
}

/** The tree with one more condition in the group at the path; a leaf there becomes a group of both. */
export function added(node, path, leaf) {
  if (node === undefined) return leaf;
  const here = at(node, path);
  const grown = isGroup(here) ? { [parts(here)[0]]: [...parts(here)[1], leaf] } : { any: [here, leaf] };
  return replaced(node, path, grown);
}
