// The watch page: reads the address, starts an engine, shows what it does.

import { readAddress } from "./address.js";
import { Gate } from "./gate/gate.js";
import { fromOwnCache, readCacheStatus, rememberTimings } from "./cache-status.js";
import { Readings } from "./readings.js";
import { Storyboard } from "./storyboard.js";
import { Strip } from "./strip.js";
import { explain, explainRefusal } from "./trouble.js";
import { bitrate, renditionName } from "./words.js";

/**
 * What an engine tells the page.
 * @typedef {object} Listener
 * @property {(renditions: import("./engine/rendition.js").Rendition[]) => void} renditions  what there is to choose from
 * @property {() => void} switched   another rendition is on the screen
 * @property {(segment: import("./engine/rendition.js").LoadedSegment) => void} segment
 * @property {(trouble: {url: string, network: boolean, isKeyless?: boolean, detail: string}) => void} trouble  playback has ended
 */

const engines = {
  hls: () => import("./engine/hls.js"),
  dash: () => import("./engine/dash.js"),
  native: () => import("./engine/native.js"),
};

const OWN_CACHE = { kind: "own", text: "the browser's own cache, the edge was not asked" };

const byId = (id) => document.getElementById(id);
const video = byId("video");
const readings = new Readings(video);
const strip = new Strip(byId("strip"), byId("strip-detail"), byId("legend"));
const address = readAddress(location.search);
const gate = address.refusal ? null : new Gate({ asset: address.asset, token: address.token, video, on: { open: () => play(chosenEngine()), renewed: () => engine?.renewed?.(), shut: stop, trouble: showTrouble } });

const storyboard = gate && new Storyboard(video, byId("seeker"), (url) => gate.fresh(url));

/** The engine that plays, the rendition that is wanted (null: let the engine choose), and a number that
 * tells a late answer from a current one. */
let engine = null;
let wanted = address.rendition ?? null;
let turn = 0;
/** Where to go on after trouble, when there is no engine to ask any more. */
let stoppedAt = 0;

rememberTimings();
if (address.refusal) showTrouble(explainRefusal(address.refusal));
else open();

function open() {
  byId("asset").textContent = address.asset;
  document.title = `${address.asset} · StreamGate`;
  byId("token-asset").value = address.asset;
  for (const [kind, path] of [["hls", address.hls], ["dash", address.dash]]) {
    const link = byId(`address-${kind}`);
    link.href = path;
    link.textContent = new URL(path, location.href).href;
  }
  byId("engines").addEventListener("change", (event) => play(event.target.value));
  byId("rendition").addEventListener("change", (event) => {
    wanted = event.target.value || null;
    engine?.choose(wanted);
  });
  video.addEventListener("playing", () => storyboard.load(address.storyboard));
  video.addEventListener("seeked", () => video.classList.remove("resuming"));
  byId("retry").addEventListener("click", () => play(chosenEngine()));
  const radio = document.querySelector(`input[name=engine][value=${address.engine}]`);
  radio.checked = true;
  radio.parentElement.hidden = false;
  play(chosenEngine());
}

function chosenEngine() {
  return document.querySelector("input[name=engine]:checked").value;
}

/** Ends what plays and starts `name` at the same position, playing or paused as before. */
async function play(name) {
  const mine = (turn += 1);
  const resumed = { position: engine ? video.currentTime : stoppedAt, paused: engine !== null && video.paused };
  stoppedAt = resumed.position;
  engine?.stop();
  engine = null;
  hideTrouble();
  byId("gate").hidden = !gate.isHeld;
  readings.starting();
  const module = await engines[name]();
  if (mine !== turn) return;
  if (!module.supported()) return withoutEngine(name);
  document.body.dataset.engine = name;
  video.poster = gate.fresh(address.poster); // without one the picture stays black until the film begins
  // Players seek when the first segment is there; its first picture must not flash up before.
  video.classList.toggle("resuming", resumed.position > 0);
  video.autoplay = !resumed.paused; // refused without a gesture in some browsers: the controls are there
  engine = module.start({
    video,
    url: gate.fresh(name === "dash" ? address.dash : address.hls),
    fresh: (url) => gate.fresh(url),
    position: resumed.position,
    prefer: wanted,
    on: listener(mine),
  });
  readings.watch(engine);
}

/** Falls back to the browser's own HLS where there are no Media Source Extensions, or none that decrypt. */
async function withoutEngine(name, refusal = "no-engine") {
  const native = await engines.native();
  if (name === "native" || !native.supported()) return showTrouble(explainRefusal(refusal));
  const radio = document.querySelector("input[name=engine][value=native]");
  radio.parentElement.hidden = false;
  radio.checked = true;
  play("native");
}

function listener(mine) {
  const current = (act) => (...given) => {
    if (mine === turn) act(...given);
  };
  return {
    renditions: current(showRenditions),
    switched: current(() => readings.show()),
    segment: current((segment) => {
      readings.loaded(segment);
      strip.add(segment, fromOwnCache(segment.url) ? OWN_CACHE : readCacheStatus(segment.cacheStatus));
    }),
    trouble: current(async (trouble) => {
      if (trouble.isKeyless) {
        stop();
        console.warn(trouble.detail);
        return withoutEngine(chosenEngine(), "no-clear-key");
      }
      const told = await explain({ ...trouble, url: gate.fresh(trouble.url) });
      if (mine !== turn) return;
      stop();
      if (told.isGate) gate.refused(told);
      else showTrouble(told);
    }),
  };
}

/** Ends what plays, and remembers where. */
function stop() {
  turn += 1;
  stoppedAt = video.currentTime;
  engine?.stop();
  engine = null;
  readings.watch(null);
  video.controls = false;
}

function showRenditions(renditions) {
  const select = byId("rendition");
  const options = [...renditions].sort((a, b) => a.key.split("-")[0].localeCompare(b.key.split("-")[0]) || b.height - a.height || b.bitrate - a.bitrate);
  select.replaceChildren(
    new Option("Automatic", ""),
    ...options.map((rendition) => new Option(`${renditionName(rendition)} · ${bitrate(rendition.bitrate)}`, rendition.key)),
  );
  select.value = options.some((rendition) => rendition.key === wanted) ? wanted : "";
  select.disabled = options.length === 0;
}

function showTrouble({ title, text, detail }) {
  byId("trouble-title").textContent = title;
  byId("trouble-text").textContent = text;
  byId("trouble-detail").textContent = detail ?? "";
  byId("retry").hidden = Boolean(address.refusal);
  byId("retry-actions").hidden = false;
  byId("door").hidden = true;
  delete document.body.dataset.door;
  byId("trouble").hidden = false;
  video.controls = false;
  document.body.dataset.trouble = detail ?? title;
}

function hideTrouble() {
  byId("trouble").hidden = true;
  byId("door").hidden = true;
  delete document.body.dataset.door;
  video.controls = true;
  delete document.body.dataset.trouble;
}
