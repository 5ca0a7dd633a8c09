// The figures below the picture, read four times a second and only while the page is visible.

import { bitrate, codecName, seconds } from "./words.js";

/** Bitrate is measured over this many of the last video segments. */
const MEASURED_SEGMENTS = 4;

export class Readings {
  #video;
  #fields = new Map();
  #engine = null;
  #startedAt = 0;
  #startup = NaN;
  #recent = [];

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    for (const field of document.querySelectorAll("[data-reading]")) this.#fields.set(field.dataset.reading, field);
    setInterval(() => document.hidden || this.show(), 250);
  }

  /** An engine is about to start: the clock of the startup time runs from here to the first picture. */
  starting() {
    this.#engine = null;
    this.#recent = [];
    this.#startup = NaN;
    this.#startedAt = performance.now();
    const startedAt = this.#startedAt;
    const firstPicture = () => {
      if (startedAt === this.#startedAt && Number.isNaN(this.#startup)) this.#startup = (performance.now() - startedAt) / 1000;
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(firstPicture);
    else this.#video.addEventListener("loadeddata", firstPicture, { once: true });
  }

  /** Reads from this engine from now on. */
  watch(engine) {
    this.#engine = engine;
  }

  /** Counts a segment into the measured bitrate. */
  loaded(segment) {
    if (segment.kind !== "video" || segment.init) return;
    this.#recent = [...this.#recent, segment].slice(-MEASURED_SEGMENTS);
  }

  /** Writes every figure that has changed. */
  show() {
    const rendition = this.#engine?.current() ?? null;
    const quality = this.#video.getVideoPlaybackQuality?.();
    this.#put("rendition", rendition ? `${codecName(rendition.codec)} ${rendition.width}×${rendition.height}` : "–", rendition?.key);
    this.#put("bitrate", bitrate(this.#measured() ?? rendition?.bitrate));
    this.#put("buffer", seconds(this.#ahead()), this.#ahead());
    this.#put("dropped", quality ? `${quality.droppedVideoFrames} of ${quality.totalVideoFrames}` : "–", quality?.droppedVideoFrames);
    this.#put("startup", seconds(this.#startup), this.#startup);
    this.#put("throughput", bitrate(this.#engine?.throughput()));
  }

  #put(name, text, value) {
    const field = this.#fields.get(name);
    if (field.textContent !== text) field.textContent = text;
    if (value === undefined || value === null || Number.isNaN(value)) delete field.dataset.value;
    else field.dataset.value = value;
  }

  #measured() {
    const duration = this.#recent.reduce((sum, segment) => sum + segment.duration, 0);
    if (duration === 0) return null;
    return (8 * this.#recent.reduce((sum, segment) => sum + segment.bytes, 0)) / duration;
  }

  /** Seconds that can be played from here without another byte. */
  #ahead() {
    const { buffered, currentTime } = this.#video;
    for (let range = 0; range < buffered.length; range += 1) {
      if (buffered.start(range) <= currentTime + 0.1 && currentTime < buffered.end(range)) return buffered.end(range) - currentTime;
    }
    return 0;
  }
}
