// Streams of one viewer over two edges: so many play as the rule says, a renewed token goes on with its stream, and a stream that ends makes
// room.

import { film } from "../chain/media.mjs";
import { Edge, gated } from "./edge.mjs";

/** A stream too many plays until its edge has told the origin, once a second, and been answered. */
const OVERSHOOT_MS = 3_000;
/** A lease, two segments of 4 s, and a report. */
const FREE_MS = 12_000;
const EVERY_MS = 250;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function is(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

async function watch(server, id, stream) {
  const headers = { authorization: `Bearer ${server.key}`, ...(stream && { "streamgate-stream": stream }) };
  const answer = await fetch(`${server.url}/api/v1/content/${id}/watch`, { method: "POST", headers });
  is(answer.status, 201, "watch");
  return answer.json();
}

/** What an edge says of a token: 200, or why not. */
async function plays(edge, minted) {
  const answer = await edge.ask(minted.playback.hls);
  return answer.status === 200 ? 200 : answer.headers["streamgate-refusal"];
}

/** Asks both as players do until the second is told `said`; the first must play all the while. How long it took. */
async function until(said, [first, second], within) {
  const begun = performance.now();
  for (;;) {
    if (first) is(await first(), 200, "the first stream");
    const got = await second();
    const took = Math.round(performance.now() - begun);
    if (got === said) return took;
    if (took > within) throw new Error(`${got} after ${took} ms, not ${said}`);
    await pause(EVERY_MS);
  }
}

async function streams(server) {
  const id = await gated(server, film());
  const rule = { valid: { until_ms: Date.now() + 600_000 } };
  await server.api("PUT", `content/${id}/gating-rules`, { rule, playback: { max_streams: 1 } });
  const edges = [await Edge.start(server), await Edge.start(server)];
  try {
    let kept = await watch(server, id);
    const first = async () => plays(edges[0], kept);
    is(await first(), 200, "the first stream");
    // Until the origin knows of it: it would take whichever is told to it first.
    for (const begun = performance.now(); performance.now() - begun < 1_500; await pause(EVERY_MS)) is(await first(), 200, "alone");
    const other = await watch(server, id);
    const second = async () => plays(edges[1], other);
    const refused = await until("streams-exceeded", [first, second], OVERSHOOT_MS);
    const third = await watch(server, id);
    is(await plays(edges[1], third), "streams-exceeded", "one more begins without a place");
    const renewed = await watch(server, id, kept.stream);
    is(renewed.stream, kept.stream, "the stream's name");
    if (renewed.token === kept.token) throw new Error("it is no other token");
    kept = renewed;
    for (let n = 0; n < 8; n += 1, await pause(EVERY_MS)) is(await first(), 200, "the renewed token");
    is(await second(), "streams-exceeded", "the second stream meanwhile");
    const free = await until(200, [null, second], FREE_MS);
    return `refused after ${refused} ms, free ${free} ms after the other ended`;
  } finally {
    for (const edge of edges) await edge.end();
  }
}

export const STREAMS = { streams };
