// Where a segment came from: Cache-Status (RFC 9211) says what the cache nearest to us did, and the browser's
// timing says whether it was asked at all.

/** Requests that the browser remembers the timing of; beyond its default of 250 it would forget the newest. */
const TIMINGS_MAX = 4000;

/**
 * @typedef {{kind: "hit"|"stale"|"miss"|"own"|"other", text: string}} CacheStatus
 * `text` is what to show: the parameters of the last member of the field.
 */

/**
 * Reads the last member (the cache nearest to the viewer) of a Cache-Status field.
 * `hit` with a negative `ttl`, and `fwd=stale`, are stale; `collapsed` waits on somebody else's miss.
 * @param {string|null|undefined} field
 * @returns {CacheStatus}
 */
export function readCacheStatus(field) {
  if (!field) return { kind: "other", text: "no Cache-Status" };
  const member = lastMember(field);
  const [, ...parameters] = splitOutside(member, ";").map((part) => part.trim());
  const named = new Map(parameters.map((parameter) => {
    const at = parameter.indexOf("=");
    return at < 0 ? [parameter.toLowerCase(), "?1"] : [parameter.slice(0, at).toLowerCase(), parameter.slice(at + 1)];
  }));
  return { kind: kindOf(named), text: parameters.join("; ") || member };
}

/**
 * Whether the last answer for `url` came out of the browser's own cache. Its header is then the old one.
 * @param {string} url absolute
 */
export function fromOwnCache(url) {
  const timing = performance.getEntriesByName(url, "resource").at(-1);
  if (!timing) return false;
  return timing.deliveryType === "cache" || (timing.transferSize === 0 && timing.decodedBodySize > 0);
}

/** Keeps timings for a long film, and drops them all when even that is full. */
export function rememberTimings() {
  performance.setResourceTimingBufferSize(TIMINGS_MAX);
  performance.addEventListener("resourcetimingbufferfull", () => performance.clearResourceTimings());
}

function kindOf(named) {
  const forwarded = named.get("fwd");
  if (named.has("hit") && named.get("hit") !== "?0") return Number(named.get("ttl")) < 0 ? "stale" : "hit";
  if (forwarded === "stale") return "stale";
  return forwarded === undefined ? "other" : "miss";
}

function lastMember(field) {
  return splitOutside(field, ",").pop().trim();
}

/** Splits at `separator`, but not inside a quoted string. */
function splitOutside(text, separator) {
  const parts = [];
  let part = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted && letter === "\\") {
      part += letter + (text[at + 1] ?? "");
      at += 1;
    } else if (letter === separator && !quoted) {
      parts.push(part);
      part = "";
    } else {
      if (letter === '"') quoted = !quoted;
      part += letter;
    }
  }
  parts.push(part);
  return parts;
}
