// The playback token of one asset: where it stands in addresses, and when it is time for another. Players go on with the addresses that they were
// given; each is written anew as it is asked for, so that a renewal stops nothing.

/** Another token is asked for this long before the one at hand ends, or when two thirds of its time are over. */
const AHEAD_MS = 60_000;

export class Pass {
  #asset;
  #token;
  #endsAt = Infinity;
  #renewAt = Infinity;

  /** @param {string|null} token one that came with the page's own address */
  constructor(asset, token) {
    this.#asset = asset;
    this.#token = token;
  }

  /** Whether there is a token. */
  get isHeld() {
    return this.#token !== null;
  }

  /** Takes a token that lasts `lifetimeMs` from `now` (the clock that does not jump, `performance.now()`) on. */
  take(token, lifetimeMs, now) {
    this.#token = token;
    this.#endsAt = now + lifetimeMs;
    this.#renewAt = this.#endsAt - Math.min(AHEAD_MS, lifetimeMs / 3);
  }

  drop() {
    this.#token = null;
    this.#endsAt = Infinity;
    this.#renewAt = Infinity;
  }

  isDue(now) {
    return now >= this.#renewAt;
  }

  isOver(now) {
    return now >= this.#endsAt;
  }

  /** The address with the token of now; one that is not of this asset stays as it is. */
  fresh(url) {
    const { origin, pathname, search } = new URL(url, location.href);
    const path = pathname.replace(/^\/p\/[^/]*/, "");
    if (origin !== location.origin || !path.startsWith(`/v/${this.#asset}/`)) return url;
    return `${origin}${this.#token === null ? "" : `/p/${this.#token}`}${path}${search}`;
  }
}
