// A bar below the video that shows a small picture of the place that one points at, and goes there. Its pictures are tiles of sheets, told by
// WebVTT cues (docs/formats/pictures.md). An asset without them has no bar.

import { clock } from "./words.js";

/** @typedef {{start: number, end: number, sheet: string, x: number, y: number, width: number, height: number}} Tile */

const CUE = /^(?:(\d+):)?(\d{2}):(\d{2}\.\d{3}) --> (?:(\d+):)?(\d{2}):(\d{2}\.\d{3})\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;

/**
 * The tiles of a WebVTT file, in order.
 * @param {string} text
 * @param {string} base  address of the file: those in it are relative
 * @returns {Tile[]}
 */
export function readTiles(text, base) {
  const seconds = (h, m, s) => Number(h ?? 0) * 3600 + Number(m) * 60 + Number(s);
  return [...text.matchAll(CUE)].map(([, h1, m1, s1, h2, m2, s2, sheet, ...box]) => {
    const [x, y, width, height] = box.map(Number);
    return { start: seconds(h1, m1, s1), end: seconds(h2, m2, s2), sheet: new URL(sheet, base).href, x, y, width, height };
  });
}

export class Storyboard {
  #video;
  #bar;
  #slider;
  #picture;
  #time;
  #fresh;
  #tiles = [];
  #isHeld = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement} bar  hidden; holds an `input[type=range]`, `.tile` and `output`
   * @param {(url: string) => string} fresh  an address with the token of now
   */
  constructor(video, bar, fresh) {
    this.#video = video;
    this.#bar = bar;
    this.#fresh = fresh;
    this.#slider = bar.querySelector("input");
    this.#picture = bar.querySelector(".tile");
    this.#time = bar.querySelector("output");
    this.#slider.addEventListener("pointermove", (event) => this.#point(event));
    this.#slider.addEventListener("pointerleave", () => this.#hide());
    this.#slider.addEventListener("blur", () => this.#hide());
    this.#slider.addEventListener("pointerdown", () => (this.#isHeld = true));
    this.#slider.addEventListener("input", () => this.#show(Number(this.#slider.value)));
    this.#slider.addEventListener("change", () => {
      this.#isHeld = false;
      video.currentTime = Number(this.#slider.value);
    });
    video.addEventListener("timeupdate", () => {
      if (!this.#isHeld && this.#slider !== document.activeElement) this.#slider.value = String(video.currentTime);
    });
    video.addEventListener("durationchange", () => this.#measure());
  }

  /** Reads the cues at `url`; without any the bar stays away. */
  async load(url) {
    if (this.#tiles.length > 0) return;
    const answer = await fetch(this.#fresh(url)).catch(() => null);
    if (!answer?.ok) return;
    this.#tiles = readTiles(await answer.text(), new URL(url, location.href).href);
    this.#bar.hidden = this.#tiles.length === 0;
    this.#measure();
  }

  #measure() {
    const end = Number.isFinite(this.#video.duration) ? this.#video.duration : (this.#tiles.at(-1)?.end ?? 0);
    this.#slider.max = String(end);
  }

  #point(event) {
    const { left, width } = this.#slider.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.#show(part * Number(this.#slider.max));
  }

  #show(seconds) {
    const tile = this.#tiles.find(({ end }) => seconds < end) ?? this.#tiles.at(-1);
    if (!tile) return;
    const style = this.#picture.style;
    style.width = `${tile.width}px`;
    style.height = `${tile.height}px`;
    style.backgroundImage = `url("${this.#fresh(tile.sheet)}")`;
    style.backgroundPosition = `${-tile.x}px ${-tile.y}px`;
    const { width } = this.#slider.getBoundingClientRect();
    const middle = (seconds / Number(this.#slider.max)) * width;
    style.left = `${Math.max(0, Math.min(width - tile.width, middle - tile.width / 2))}px`;
    this.#picture.dataset.start = String(tile.start);
    this.#picture.hidden = false;
    this.#time.textContent = clock(seconds);
    this.#slider.setAttribute("aria-valuetext", clock(seconds));
  }

  #hide() {
    this.#picture.hidden = true;
    this.#time.textContent = "";
  }
}
