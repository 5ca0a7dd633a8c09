// HLS by the browser itself: Safari where there are no Media Source Extensions. It chooses renditions
// alone and shows no responses, so there is nothing to choose and nothing to colour.

/** Whether this browser plays HLS by itself. */
export function supported() {
  return document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
}

/** See `hls.js` beside this file. */
export function start({ video, url, fresh, position, on }) {
  let from = position;
  const seek = () => {
    if (from > 0) video.currentTime = from;
    on.renditions([]);
  };
  const fail = () => on.trouble({ url, network: video.error?.code === MediaError.MEDIA_ERR_NETWORK || video.readyState === 0, detail: video.error?.message ?? "" });
  video.addEventListener("loadedmetadata", seek);
  video.addEventListener("error", fail);
  video.src = url;
  return {
    choose: () => {},
    current: () => (video.videoHeight ? { key: "native", codec: "built in", width: video.videoWidth, height: video.videoHeight, bitrate: 0, frameRate: 0 } : null),
    throughput: () => null,
    // What it was given it asks for until the end; with another token it begins anew where it is.
    renewed: () => {
      from = video.currentTime;
      const paused = video.paused;
      video.src = fresh(url);
      if (!paused) video.play().catch(() => {});
    },
    stop: () => {
      video.removeEventListener("loadedmetadata", seek);
      video.removeEventListener("error", fail);
      video.removeAttribute("src");
      video.load();
    },
  };
}
