// HLS by the browser itself: Safari where there are no Media Source Extensions. It chooses renditions
// alone and shows no responses, so there is nothing to choose and nothing to colour.

/** Whether this browser plays HLS by itself. */
export function supported() {
  return document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
}

/** See `hls.js` beside this file. */
export function start({ video, url, position, on }) {
  const seek = () => {
    if (position > 0) video.currentTime = position;
    on.renditions([]);
  };
  const fail = () => on.trouble({ url, network: video.error?.code === MediaError.MEDIA_ERR_NETWORK || video.readyState === 0, detail: video.error?.message ?? "" });
  video.addEventListener("loadedmetadata", seek, { once: true });
  video.addEventListener("error", fail);
  video.src = url;
  return {
    choose: () => {},
    current: () => (video.videoHeight ? { key: "native", codec: "built in", width: video.videoWidth, height: video.videoHeight, bitrate: 0, frameRate: 0 } : null),
    throughput: () => null,
    stop: () => {
      video.removeEventListener("loadedmetadata", seek);
      video.removeEventListener("error", fail);
      video.removeAttribute("src");
      video.load();
    },
  };
}
