// One coloured cell a segment, in the order of loading: hit, stale, miss, or not asked at all. Colour is not the only sign:
// the cells differ in height too, and the line below says it in words.

import { bytes } from "./words.js";

/** Older cells make room: at two requests a segment this is the last quarter of an hour. */
const CELLS_MAX = 480;

export class Strip {
  #strip;
  #detail;
  #counts = new Map();
  #selected = null;
  #made = 0;

  /**
   * @param {HTMLElement} strip   the listbox
   * @param {HTMLElement} detail  the line that describes the selected cell
   * @param {HTMLElement} legend  list with one `[data-kind] b` a kind
   */
  constructor(strip, detail, legend) {
    this.#strip = strip;
    this.#detail = detail;
    for (const entry of legend.querySelectorAll("[data-kind]")) this.#counts.set(entry.dataset.kind, { entry, count: 0 });
    strip.addEventListener("keydown", (event) => this.#onKey(event));
    strip.addEventListener("pointerover", (event) => this.#select(event.target.closest(".cell")));
    strip.addEventListener("click", (event) => this.#select(event.target.closest(".cell")));
  }

  /** Appends a segment with what the edge said of it. */
  add(segment, status) {
    const cell = document.createElement("span");
    cell.className = "cell";
    cell.id = `segment-${(this.#made += 1)}`;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-selected", "false");
    cell.dataset.kind = status.kind;
    cell.dataset.media = segment.kind;
    cell.title = describe(segment, status);
    cell.setAttribute("aria-label", cell.title);
    const atEnd = this.#strip.scrollLeft + this.#strip.clientWidth >= this.#strip.scrollWidth - 24;
    this.#strip.append(cell);
    if (this.#strip.childElementCount > CELLS_MAX) this.#strip.firstElementChild.remove();
    if (atEnd) this.#strip.scrollLeft = this.#strip.scrollWidth;
    this.#count(status.kind);
  }

  #count(kind) {
    const counted = this.#counts.get(kind);
    counted.count += 1;
    counted.entry.hidden = false;
    counted.entry.querySelector("b").textContent = counted.count;
  }

  #onKey(event) {
    const cells = this.#strip.children;
    if (cells.length === 0) return;
    const at = this.#selected ? [...cells].indexOf(this.#selected) : cells.length;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: cells.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#select(cells[Math.max(0, Math.min(cells.length - 1, next))]);
    this.#selected.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #select(cell) {
    if (!cell || cell === this.#selected) return;
    this.#selected?.setAttribute("aria-selected", "false");
    this.#selected = cell;
    cell.setAttribute("aria-selected", "true");
    this.#strip.setAttribute("aria-activedescendant", cell.id);
    this.#detail.textContent = cell.title;
  }
}

/** `video av1-480, segment 3 at 12.0 s: hit; ttl=59 · 84 KiB in 12 ms`. */
function describe(segment, status) {
  const track = new URL(segment.url, location.href).pathname.split("/").at(-2);
  const what = segment.init ? "initialisation" : `segment ${segment.number} at ${segment.start.toFixed(1)} s`;
  const took = Number.isFinite(segment.tookMs) ? ` in ${Math.max(1, Math.round(segment.tookMs))} ms` : "";
  return `${segment.kind} ${track}, ${what}: ${status.text} · ${bytes(segment.bytes)}${took}`;
}
