// What the address bar asks for, and the playback addresses that follow from it. Pure.

const ASSET = /^[a-z0-9-]{1,64}$/;
const TOKEN = /^[A-Za-z0-9_-]{1,4096}$/;

/**
 * Reads `?v=<asset>[&t=<token>]`.
 * @param {string} search `location.search`
 * @returns {{asset: string, token: string|null, hls: string, dash: string} | {refusal: "no-asset"|"bad-asset"|"bad-token"}}
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  const asset = (query.get("v") ?? "").trim();
  const token = (query.get("t") ?? "").trim();
  if (asset === "") return { refusal: "no-asset" };
  if (!ASSET.test(asset)) return { refusal: "bad-asset" };
  if (token !== "" && !TOKEN.test(token)) return { refusal: "bad-token" };
  // A gated asset is the same path below /p/<token>/, so that relative URIs inherit the token.
  const base = token === "" ? `/v/${asset}/` : `/p/${token}/v/${asset}/`;
  return { asset, token: token === "" ? null : token, hls: `${base}master.m3u8`, dash: `${base}manifest.mpd` };
}
