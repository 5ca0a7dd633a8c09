// Errors in sentences a person can act on. An engine only knows that a request failed; the edge says why
// in `StreamGate-Refusal` and a problem document (RFC 9457), so the failed address is asked once more.

const ASK_TIMEOUT_MS = 8000;

const REFUSALS = {
  "token-missing": ["This video is gated", "Sign in with a wallet to see whether it opens for you."],
  "token-expired": ["The token has expired", "Sign in with a wallet, or ask whoever gave you the link for a new one."],
  "token-not-yet": ["The token is not valid yet", "Its time has not come. Check this device's clock, or try again later."],
  "token-path": ["The token is for another video", "A token opens what it was made for. Ask for one for this video."],
  "token-malformed": ["The token is damaged", "It may have been cut when it was copied. Copy the whole link again."],
  "token-signature": ["The token is not genuine", "It was changed on the way, or not signed by this platform. Copy the whole link again, or ask for a new one."],
  "token-audience": ["The token is for another platform", "It does not open videos here. Ask for a link of this platform."],
  "token-claim-unknown": ["The token says more than is understood here", "What is not understood may be a restriction, so it does not open. Ask for a new link."],
  "token-network": ["Not on this network", "This video plays on other networks. Without a VPN it may play here."],
  "token-country": ["Not in this country", "This video plays in other countries."],
  "token-referrer": ["Not on this page", "This video plays on the pages of those who show it."],
  "streams-exceeded": ["It plays elsewhere already", "As many streams play as may at once. When another one has ended, this one plays a few seconds later."],
  "token-revoked": ["The token was taken back", "Sign in with a wallet, or ask whoever gave you the link for a new one."],
  "token-key-unknown": ["The token is not known here", "It was signed by another platform, or with a key that is no longer in use. Ask for a new link."],
};

const OWN = {
  "no-asset": ["Which video?", "This page's address names no asset. Choose one on the start page."],
  "bad-asset": ["That is not an asset id", "An id has up to 64 lower-case letters, digits and hyphens."],
  "bad-token": ["The token is damaged", "A token has only letters, digits, hyphens and underscores. Copy the whole link again."],
  "no-engine": ["This browser cannot play the video", "It has neither Media Source Extensions nor HLS of its own. A current Chrome, Edge, Firefox or Safari has."],
  "no-clear-key": ["This browser cannot open an encrypted video here", "The page must be opened over HTTPS (or from localhost), in a browser that has Clear Key: a current Chrome, Edge or Firefox."],
};

/** A refusal of the page itself. */
export function explainRefusal(name) {
  const [title, text] = OWN[name];
  return { title, text, detail: name };
}

/**
 * @param {{url: string, network: boolean, detail: string}} trouble
 * @returns {Promise<{title: string, text: string, detail: string, isGate?: boolean}>} `isGate`: a better token would help
 */
export async function explain({ url, network, detail }) {
  if (!network) {
    return { title: "The video cannot be decoded", text: "Another rendition or the other player may do better.", detail };
  }
  let response;
  try {
    response = await fetch(url, { headers: { Range: "bytes=0-0" }, cache: "no-store", signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  } catch {
    return { title: "The edge does not answer", text: "Check the connection, then try again. Playback continues where it stopped.", detail };
  }
  return explainStatus(response.status, response.headers.get("StreamGate-Refusal"), await problem(response), detail);
}

function explainStatus(status, refusal, problemDetail, detail) {
  const said = [refusal, `HTTP ${status}`].filter(Boolean).join(" · ");
  if (Object.hasOwn(REFUSALS, refusal)) {
    const [title, text] = REFUSALS[refusal];
    return { title, text, detail: said, isGate: true };
  }
  if (status === 401 || status === 403) {
    return { title: "You may not watch this video", text: problemDetail ?? "The token does not open it. Ask for a new link.", detail: said };
  }
  if (status === 404 || status === 410) {
    return { title: "There is no such video", text: "The id may be mistyped, or the video has been removed.", detail: said };
  }
  if (status >= 500) {
    return { title: "The video cannot be fetched right now", text: problemDetail ?? "The edge is up, but what it lacks it could not get from the origin. Try again in a moment.", detail: said };
  }
  if (status < 300) {
    return { title: "Playback stopped", text: "The connection was interrupted, and is back. Try again: it continues where it stopped.", detail };
  }
  return { title: "The video cannot be fetched", text: problemDetail ?? "The edge refused the request.", detail: said };
}

/** The `detail` of a problem document, if it is one and of a length that fits. */
async function problem(response) {
  if (!/^application\/problem\+json/.test(response.headers.get("Content-Type") ?? "")) return null;
  try {
    const { detail } = await response.json();
    return typeof detail === "string" && detail.length <= 300 ? detail : null;
  } catch {
    return null;
  }
}
