// HLS through Media Source Extensions by hls.js.

import Hls from "/watch/vendor/hls.min.mjs";
import { unlock, withoutKeys } from "./keys.js";
import { withKeys } from "./rendition.js";

/** Whether this browser has what hls.js needs. */
export function supported() {
  return Hls.isSupported();
}

/**
 * Starts to play `url` on `video` from `position` seconds. `fresh`: an address as it is to be asked for now, when the player has an older one.
 * @param {{video: HTMLVideoElement, url: string, fresh: (url: string) => string, position: number, prefer: string|null, on: import("../watch.js").Listener}} task
 */
export function start({ video, url, fresh, position, prefer, on }) {
  const keys = unlock({ video, url, fresh, on });
  const hls = new Hls({
    enableWorker: false, // CMAF needs no transmuxing, and a blob worker would need a wider CSP
    startPosition: position,
    maxBufferLength: 20,
    backBufferLength: 30,
    capLevelToPlayerSize: false,
    pLoader: playlists(keys),
    xhrSetup: (request, asked) => request.open("GET", fresh(asked), true),
  });
  let renditions = [];
  let wanted = prefer;
  let measured = false; // before the first segment the estimate is only a guess

  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    renditions = withKeys(hls.levels.map(toRendition));
    choose(wanted);
    on.renditions(renditions);
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, () => on.switched());
  hls.on(Hls.Events.FRAG_LOADED, (_, { frag, networkDetails }) => {
    measured = true;
    on.segment(toSegment(frag, networkDetails));
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && recover()) return;
    on.trouble({ url: data.frag?.url ?? data.url ?? data.context?.url ?? url, network: data.type === Hls.ErrorTypes.NETWORK_ERROR, detail: data.details });
  });
  hls.loadSource(url);
  hls.attachMedia(video);

  let recoveries = 0;
  function recover() {
    recoveries += 1;
    if (recoveries > 2) return false;
    hls.recoverMediaError();
    return true;
  }

  function choose(key) {
    wanted = key;
    const level = renditions.findIndex((rendition) => rendition.key === key);
    // Before anything is buffered the level is simply set; afterwards the change waits for a segment's
    // end, so that the picture never stops.
    if (hls.levels.length === 0) return;
    if (video.buffered.length === 0) hls.loadLevel = level;
    else hls.nextLevel = level;
  }

  return {
    choose,
    current: () => renditions[hls.currentLevel] ?? null,
    throughput: () => (measured ? hls.bandwidthEstimate : null),
    stop: () => {
      keys.stop();
      hls.destroy();
    },
  };
}

/** Loads playlists without what they say of keys, once these can be had. */
function playlists(keys) {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = async (response, ...rest) => {
        const text = typeof response.data === "string" ? withoutKeys(response.data) : response.data;
        if (text !== response.data) await keys.ready();
        response.data = text;
        callbacks.onSuccess(response, ...rest);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

function toRendition(level) {
  return {
    codec: level.videoCodec ?? "",
    width: level.width ?? 0,
    height: level.height ?? 0,
    bitrate: level.averageBitrate || level.bitrate,
    frameRate: level.frameRate ?? 0,
  };
}

function toSegment(frag, request) {
  const { loading, loaded } = frag.stats;
  return {
    kind: frag.type === "audio" ? "audio" : "video",
    init: frag.sn === "initSegment",
    number: frag.sn === "initSegment" ? -1 : frag.sn,
    start: frag.start,
    duration: frag.duration,
    bytes: loaded,
    tookMs: loading.end - loading.start,
    url: request?.responseURL || frag.url,
    cacheStatus: request?.getResponseHeader?.("Cache-Status") ?? null,
  };
}
