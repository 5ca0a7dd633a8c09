// The gate of one asset, from the viewer's side: who may watch is asked of the server, and while somebody watches it is asked again. What is shown
// of it is `door.js`.
//
//   refused by the edge ──> signed in? ──no──> the door: sign in
//                               │ yes
//                               └──> POST watch ──201──> open (play), look and renew while it plays
//                                          └──403──> the door: what is missing

import { ask, Refused } from "./api.js";
import { Declined } from "./declined.js";
import { Door } from "./door.js";
import { Pass } from "./pass.js";
import { access, addWallet, onOtherTab, session, signIn, signOut } from "./session.js";

/** While something plays the edge is asked this often whether it would go on: what is buffered must not outlive what was taken back. */
const LOOK_MS = 2_000;
/** A renewal that failed for a reason that passes is tried again after. */
const AGAIN_MS = 3_000;
/** A token that is refused so soon after it was given is not of use here, and another one would not be either. */
const FRESH_MS = 3_000;

/**
 * What the page does when the gate says so.
 * @typedef {object} GateListener
 * @property {() => void} open     there is a token: play, from where it was
 * @property {() => void} renewed  there is another token; what plays goes on
 * @property {() => void} shut     stop what plays: the door is shown
 * @property {(told: {title: string, text: string, detail: string}) => void} trouble  nothing that the gate can help with
 */

export class Gate {
  #asset;
  #pass;
  #door;
  #on;
  #video;
  #givenAt = -Infinity;
  #triedAt = -Infinity;
  #turn = 0;
  #isShut = false;
  /** What plays, where only so many streams may at once. */
  #stream;
  /** What a rule may ask for besides; of a link it stands behind #p=, which no server is told by a browser. */
  #password = new URLSearchParams(location.hash.slice(1)).get("p");

  /** @param {{asset: string, token: string|null, video: HTMLVideoElement, on: GateListener}} task */
  constructor({ asset, token, video, on }) {
    this.#asset = asset;
    this.#pass = new Pass(asset, token);
    this.#video = video;
    this.#on = on;
    this.#door = new Door({
      signIn: (wallet) => this.#prove(() => signIn(wallet)),
      addWallet: (wallet) => this.#prove(() => addWallet(wallet)),
      again: () => this.#enter(),
      password: (text) => {
        this.#password = text;
        this.#enter();
      },
      signOut: () => this.#leave(),
    });
    this.#door.account(session()?.wallet ?? null);
    onOtherTab(() => this.#otherTab());
    setInterval(() => this.#look(), LOOK_MS);
    setInterval(() => this.#renewWhenDue(), 500);
  }

  get isHeld() {
    return this.#pass.isHeld;
  }

  /** The address as it is to be asked for now. */
  fresh(url) {
    return this.#pass.fresh(url);
  }

  /** The edge has refused, and playback has ended. */
  refused(told) {
    if (performance.now() - this.#givenAt < FRESH_MS) return this.#on.trouble(told);
    this.#isShut = true;
    if (session()) this.#enter(told);
    else this.#door.askToSignIn(told);
  }

  /** Asks to be let in. */
  async #enter(told) {
    const mine = (this.#turn += 1);
    this.#door.busy("Asking whether you may watch …");
    try {
      const given = await this.#given();
      if (mine !== this.#turn) return;
      this.#take(given);
      this.#isShut = false;
      this.#door.close();
      this.#on.open();
    } catch (error) {
      if (mine === this.#turn) this.#close(error, told);
    }
  }

  /** A wallet proves itself; then it is asked again. */
  async #prove(act) {
    const mine = (this.#turn += 1);
    this.#door.busy("Look into your wallet: it asks you to sign a text. That costs nothing and moves nothing.");
    try {
      await act();
    } catch (error) {
      if (mine !== this.#turn) return;
      if (!(error instanceof Declined || error instanceof Refused)) console.error(error);
      return this.#door.said(error instanceof Declined || error instanceof Refused ? error.message : "The wallet could not be asked.");
    }
    this.#door.account(session()?.wallet ?? null);
    if (mine === this.#turn) await this.#enter();
  }

  async #leave() {
    this.#turn += 1;
    await signOut();
    this.#door.account(null);
    if (!this.#pass.isHeld && !this.#isShut) return;
    this.#shut();
    this.#door.askToSignIn(null);
  }

  /** `POST watch`: a token, and how long it lasts by the server's own clock. */
  async #given() {
    const shown = this.#password ? { password: this.#password } : undefined;
    const { body, atMs } = await ask("POST", `content/${this.#asset}/watch`, { token: await access(), body: shown, stream: this.#stream });
    this.#stream = body.stream;
    return { token: body.token, lifetimeMs: 1000 * body.expires - atMs };
  }

  #take({ token, lifetimeMs }) {
    this.#givenAt = performance.now();
    this.#pass.take(token, lifetimeMs, this.#givenAt);
  }

  async #renewWhenDue() {
    const now = performance.now();
    if (this.#isShut || !this.#pass.isDue(now) || now - this.#triedAt < AGAIN_MS) return;
    // Nobody looks, nothing moves: it is renewed when it is needed.
    if (document.hidden && this.#video.paused) return;
    await this.#renew();
  }

  /** Another token, while something plays. */
  async #renew() {
    const mine = this.#turn;
    this.#triedAt = performance.now();
    try {
      const given = await this.#given();
      if (mine !== this.#turn) return;
      this.#take(given);
      this.#on.renewed();
    } catch (error) {
      if (mine !== this.#turn || this.#isShut) return;
      // A server that cannot tell changes nothing as long as the token at hand is good.
      if (error instanceof Refused && error.passes && !this.#pass.isOver(performance.now())) return;
      this.#turn += 1;
      this.#shut();
      this.#close(error, null, true);
    }
  }

  /** Would the edge go on? */
  async #look() {
    if (this.#isShut || !this.#pass.isHeld || this.#video.paused || this.#video.ended) return;
    const [mine, asked] = [this.#turn, this.#givenAt];
    const answer = await fetch(this.fresh(`/v/${this.#asset}/master.m3u8`), { cache: "no-store", signal: AbortSignal.timeout(LOOK_MS) }).catch(() => null);
    if (!answer || (answer.status !== 403 && answer.status !== 401)) return;
    if (mine !== this.#turn || asked !== this.#givenAt || this.#isShut) return;
    if (session()) return this.#renew();
    this.#turn += 1;
    this.#shut();
    this.#door.askToSignIn({ title: "Playback was stopped", text: "The token that it was opened with is not good any more.", detail: answer.headers.get("StreamGate-Refusal") ?? "" });
  }

  #shut() {
    this.#isShut = true;
    this.#pass.drop();
    this.#on.shut();
  }

  /** The door, with the reason. `wasOpen`: something was playing until now. */
  #close(error, told, wasOpen = false) {
    this.#isShut = true;
    const refused = error instanceof Refused ? error : new Refused(0, { title: "Something on this page went wrong", detail: String(error?.message ?? error) });
    if (refused.status === 401) {
      this.#door.account(null);
      return this.#door.askToSignIn(wasOpen ? { title: "Playback was stopped", text: "Your session has ended. Sign in again to go on.", detail: refused.code } : told);
    }
    this.#door.refuse(refused, { wasOpen, wallet: session()?.wallet ?? null });
  }

  #otherTab() {
    const wallet = session()?.wallet ?? null;
    this.#door.account(wallet);
    if (wallet && this.#isShut) this.#enter();
  }
}
