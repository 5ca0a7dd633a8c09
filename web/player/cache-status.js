// Cache-Status (RFC 9211): what the cache nearest to us did. Pure.

/**
 * @typedef {{kind: "hit"|"stale"|"miss"|"other", text: string}} CacheStatus
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
