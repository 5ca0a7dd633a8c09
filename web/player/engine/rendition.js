// One rendition as every engine reports it.

import { codecFamily } from "../words.js";

/**
 * @typedef {object} Rendition
 * @property {string} key        the same in every engine, so that a choice survives the switch between them
 * @property {string} codec      RFC 6381
 * @property {number} width      pixels
 * @property {number} height     pixels
 * @property {number} bitrate    bits a second, as declared
 * @property {number} frameRate  frames a second, 0 when not declared
 */

/**
 * @typedef {object} LoadedSegment
 * @property {"video"|"audio"} kind
 * @property {boolean} init      an initialisation segment
 * @property {number} number     as the engine counts it
 * @property {number} start      seconds on the timeline
 * @property {number} duration   seconds
 * @property {number} bytes
 * @property {number} tookMs     from the request to the last byte
 * @property {string} url
 * @property {string|null} cacheStatus  the Cache-Status field
 */

/** `av1-480`; equal sizes of one codec are told apart by their order. */
export function withKeys(renditions) {
  const seen = new Map();
  return renditions.map((rendition) => {
    const stem = `${codecFamily(rendition.codec)}-${rendition.height || 0}`;
    const count = (seen.get(stem) ?? 0) + 1;
    seen.set(stem, count);
    return { ...rendition, key: count === 1 ? stem : `${stem}-${count}` };
  });
}
