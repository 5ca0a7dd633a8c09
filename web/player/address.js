// What the address bar asks for, and the playback addresses that follow from it. Pure.

const ASSET = /^[a-z0-9-]{1,64}$/;
const TOKEN = /^[A-Za-z0-9_-]{1,4096}$/;

const ENGINES = ["hls", "dash", "native"];
const RENDITION = /^[a-z0-9-]{1,64}$/;

/**
 * Reads `?v=<asset>[&t=<token>][&player=hls|dash|native][&rendition=<key>]`; the last two are wishes, and
 * ignored when they make no sense.
 * @param {string} search `location.search`
 * @returns {{asset: string, token: string|null, hls: string, dash: string, poster: string, storyboard: string, engine: string, rendition: string|null}
 *   | {refusal: "no-asset"|"bad-asset"|"bad-token"}}
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
  const engine = ENGINES.includes(query.get("player")) ? query.get("player") : "hls";
  const rendition = RENDITION.test(query.get("rendition") ?? "") ? query.get("rendition") : null;
  const file = (name) => `${base}${name}`;
  return { asset, token: token || null, engine, rendition, hls: file("master.m3u8"), dash: file("manifest.mpd"), poster: file("poster.jpg"), storyboard: file("storyboard.vtt") };
}
