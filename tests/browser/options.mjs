// The command line, and the same from the environment: STREAMGATE_EDGE, STREAMGATE_ASSET, ...

const KNOWN = ["edge", "asset", "gated-asset", "token", "binary", "chromium", "only"];

/**
 * @returns {{target: {edge?: string, asset?: string, gated_asset?: string, token?: string}, binary?: string, chromium: string, only: string|null}}
 * @throws {Error} on an option that is not known, or when there is nothing to test
 */
export function readOptions(args, environment) {
  const given = {};
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at].replace(/^--/, "");
    if (!args[at].startsWith("--") || !KNOWN.includes(name)) throw new Error(`no such option: ${args[at]}`);
    if (args[at + 1] === undefined) throw new Error(`--${name} needs a value`);
    given[name] = args[at + 1];
  }
  const option = (name) => given[name] ?? environment[`STREAMGATE_${name.toUpperCase().replace("-", "_")}`];
  const target = { edge: option("edge")?.replace(/\/$/, ""), asset: option("asset"), gated_asset: option("gated-asset"), token: option("token") };
  if (!option("binary") && !(target.edge && target.asset)) throw new Error("give --binary PATH, or --edge URL and --asset ID");
  return { target, binary: option("binary"), chromium: option("chromium") ?? "/usr/bin/chromium", only: option("only") ?? null };
}
