// The contracts of `contracts/`, compiled by solc with OpenZeppelin's.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const HERE = fileURLToPath(new URL("contracts/", import.meta.url));
const require = createRequire(import.meta.url);

const JUDGE = fileURLToPath(new URL("../../origin/src/gate/signin/judge/", import.meta.url));

/** The code that asks contract wallets: as its source compiles, and as the program has it. */
export function judge() {
  const sources = { "judge.sol": { content: readFileSync(join(JUDGE, "judge.sol"), "utf8") } };
  const settings = {
    optimizer: { enabled: true },
    evmVersion: "london",
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
  };
  const out = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  const compiled = out.contracts["judge.sol"].Judge.evm.bytecode.object;
  return { compiled, kept: readFileSync(join(JUDGE, "judge.hex"), "utf8").trim() };
}

/** The collection of `streamgate demo`: as its source compiles, and as the program has it. */
export function demoSeals() {
  const kept = readFileSync(fileURLToPath(new URL("../../src/demo/seals.hex", import.meta.url)), "utf8").trim();
  const { Seals } = compile({ evmVersion: "cancun", metadata: { appendCBOR: false, bytecodeHash: "none" } });
  return { compiled: Seals.bytecode.slice(2), kept };
}

/** By name: `{ abi, bytecode }`. */
export function compile(more = {}) {
  const files = readdirSync(HERE).filter((name) => name.endsWith(".sol"));
  const sources = Object.fromEntries(files.map((name) => [name, { content: readFileSync(join(HERE, name), "utf8") }]));
  const settings = { optimizer: { enabled: true }, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } }, ...more };
  const found = (path) => {
    try {
      return { contents: readFileSync(require.resolve(path), "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };
  const out = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: found }));
  const errors = (out.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const ours = files.flatMap((name) => Object.entries(out.contracts[name]));
  return Object.fromEntries(ours.map(([name, { abi, evm }]) => [name, { abi, bytecode: `0x${evm.bytecode.object}` }]));
}
