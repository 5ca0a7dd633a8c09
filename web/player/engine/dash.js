// DASH through Media Source Extensions by dash.js.

import { MediaPlayer } from "/watch/vendor/dash.mediaplayer.min.js";
import { unlock, withoutKeys } from "./keys.js";
import { withKeys } from "./rendition.js";

/** Whether this browser has what dash.js needs. */
export function supported() {
  return "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
}

/** See `hls.js` beside this file. */
export function start({ video, url, fresh, position, prefer, on }) {
  const player = MediaPlayer().create();
  let renditions = [];
  let wanted = prefer;
  let playing = null;

  player.initialize();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      buffer: { bufferTimeDefault: 20, bufferTimeAtTopQuality: 20, bufferTimeAtTopQualityLongForm: 20, fastSwitchEnabled: true, flushBufferAtTrackSwitch: true },
      // A choice of an earlier visit must not decide this one.
      trackSwitchMode: { video: "alwaysReplace" },
      lastBitrateCachingInfo: { enabled: false },
      lastMediaSettingsCachingInfo: { enabled: false },
      retryAttempts: { MPD: 1 }, // the page itself offers to try again
      utcSynchronization: { enabled: false }, // it would ask a time server on the Internet
    },
  });
  player.addRequestInterceptor((request) => Promise.resolve(Object.assign(request, { url: fresh(request.url) })));
  player.addResponseInterceptor((response) => {
    const segment = toSegment(response);
    if (segment) on.segment(segment);
    else if (typeof response.data === "string") response.data = withoutKeys(response.data);
    return Promise.resolve(response);
  });
  if (prefer) player.setCustomInitialTrackSelectionFunction(startWithWanted);
  const events = MediaPlayer.events;
  player.on(events.STREAM_INITIALIZED, () => {
    renditions = withKeys(player.getTracksFor("video").flatMap(toRenditions));
    choose(wanted);
    on.renditions(renditions);
  });
  player.on(events.QUALITY_CHANGE_RENDERED, (event) => {
    if (event.mediaType !== "video") return;
    playing = event.newRepresentation?.id ?? playing;
    on.switched();
  });
  player.on(events.ERROR, (event) => on.trouble(toTrouble(event.error, url)));
  const keys = unlock({ video, url, fresh, on });
  player.attachView(video);
  player.setAutoPlay(false);
  player.attachSource(url, position);

  /** Starts in the wanted rendition, so that no segment of another is fetched first. */
  function startWithWanted(tracks) {
    const videos = tracks.filter((track) => track.type === "video");
    const rendition = withKeys(videos.flatMap(toRenditions)).find((one) => one.key === wanted);
    if (!rendition) return tracks;
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false }, initialBitrate: { video: rendition.bitrate / 1000 } } } });
    return videos.filter((track) => track.bitrateList.some(({ id }) => id === rendition.id));
  }

  function choose(key) {
    wanted = key;
    if (renditions.length === 0) return;
    const rendition = renditions.find((one) => one.key === key);
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: rendition === undefined } } } });
    if (!rendition) return;
    const playsNow = player.getCurrentRepresentationForType("video");
    const track = player.getTracksFor("video").find(({ bitrateList }) => bitrateList.some(({ id }) => id === rendition.id));
    if (playsNow && !track.bitrateList.some(({ id }) => id === playsNow.id)) {
      // Another codec is another AdaptationSet: dash.js changes to it as to another track.
      player.updateSettings({ streaming: { abr: { initialBitrate: { video: rendition.bitrate / 1000 } } } });
      player.setCurrentTrack(track);
    } else {
      player.setRepresentationForTypeById("video", rendition.id, playsNow && rendition.bitrate < playsNow.bandwidth);
    }
  }

  return {
    choose,
    current: () => renditions.find((one) => one.id === (playing ?? player.getCurrentRepresentationForType("video")?.id)) ?? null,
    throughput: () => {
      const kilobits = player.getAverageThroughput("video");
      return kilobits > 0 ? kilobits * 1000 : null;
    },
    stop: () => {
      keys.stop();
      player.destroy();
    },
  };
}

function toRenditions(track) {
  const codec = /codecs="([^"]+)"/.exec(track.codec ?? "")?.[1] ?? track.codec ?? "";
  return track.bitrateList.map(({ id, width, height, bandwidth }) => ({ id, codec, width, height, bitrate: bandwidth, frameRate: 0 }));
}

/** The FragmentRequest rides along in the request's `customData`; manifests are not segments. */
function toSegment({ request, headers, url, status }) {
  const fragment = request?.customData?.request;
  const init = fragment?.type === "InitializationSegment";
  if (!fragment || (fragment.type !== "MediaSegment" && !init) || status >= 400) return null;
  return {
    kind: fragment.mediaType === "audio" ? "audio" : "video",
    init,
    number: init ? -1 : fragment.index,
    start: fragment.startTime ?? 0,
    duration: init ? 0 : fragment.duration,
    bytes: fragment.bytesLoaded,
    tookMs: fragment.startDate ? performance.timeOrigin + performance.now() - fragment.startDate.getTime() : NaN,
    url: url ?? request.url,
    cacheStatus: headers?.["cache-status"] ?? null,
  };
}

/** dash.js codes 10-39 are downloads that failed; the rest is the media itself. */
function toTrouble(error, manifest) {
  const code = error?.code ?? 0;
  return { url: error?.data?.request?.url ?? error?.data?.url ?? manifest, network: code >= 10 && code < 40, detail: error?.message ?? String(error) };
}
