// Viewers of HLS, as k6 runs them: each opens the master playlist, picks a rendition, and takes one segment after the other at
// the pace of its clock, with CMCD. Counted as a viewer would: how long until the first picture can be shown, how often and for how
// long the buffer runs dry.
//
//   k6 run -e MASTER=http://127.0.0.1:8080/v/<asset>/master.m3u8 -e VIEWERS=200 -e SECONDS=60 bench/k6/hls.js
//
// MASTER   the master playlist (also below /p/<token>/)          VIEWERS  at once (default 50)
// SECONDS  how long (default 30)                                  PACE     of the clock: 4 plays four times as fast (default 1)
// PICK     bandwidth: highest | lowest | random (default random)

import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail, sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

const master = __ENV.MASTER;
const pace = Number(__ENV.PACE || 1);
const pick = __ENV.PICK || 'random';
/// Seconds of film a player keeps ahead.
const BUFFER = 12;

const startup = new Trend('hls_startup', true);
const segment = new Trend('hls_segment', true);
const stalls = new Counter('hls_stalls');
const stalled = new Trend('hls_stalled', true);
const hits = new Rate('hls_hits');

export const options = {
  scenarios: {
    viewers: {
      executor: 'constant-vus',
      vus: Number(__ENV.VIEWERS || 50),
      duration: `${Number(__ENV.SECONDS || 30)}s`,
      gracefulStop: '5s',
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    hls_startup: ['p(95)<1000'],
    hls_stalls: ['count<1'],
    checks: ['rate==1'],
  },
  discardResponseBodies: false,
};

export default function () {
  if (!master) fail('MASTER is the address of a master playlist: -e MASTER=http://...');
  const session = `${exec.vu.idInTest}-${exec.vu.iterationInInstance}`;
  const opened = Date.now();
  const rendition = choose(get(master, session, 'm').body, master);
  const playlist = parse(get(rendition, session, 'm').body, rendition);
  if (playlist.init) get(playlist.init, session, 'i');

  // The film's clock starts when the first segment is there.
  let started = 0;
  let ahead = 0;
  for (const [index, part] of playlist.segments.entries()) {
    const next = playlist.segments[index + 1];
    const asked = Date.now();
    const answer = get(part.url, session, 'v', next && next.url);
    segment.add(Date.now() - asked);
    hits.add(/hit/.test(answer.headers['Cache-Status'] || ''));
    if (!started) {
      started = Date.now();
      startup.add(started - opened);
    }
    const played = ((Date.now() - started) / 1000) * pace;
    if (played > ahead && index > 0) {
      stalls.add(1);
      stalled.add(((played - ahead) / pace) * 1000);
      started += ((played - ahead) / pace) * 1000;
    }
    ahead += part.seconds;
    const full = ahead - Math.min(played, ahead) - BUFFER;
    if (full > 0) sleep(full / pace);
  }
  const left = ahead - ((Date.now() - started) / 1000) * pace;
  if (left > 0) sleep(left / pace);
}

function get(url, session, kind, next) {
  const cmcd = [`ot=${kind}`, 'sf=h', `sid="${session}"`, 'st=v'];
  if (next) cmcd.push(`nor="${encodeURIComponent(next.split('/').pop())}"`);
  const answer = http.get(url, {
    responseType: kind === 'm' ? 'text' : 'none',
    headers: { 'CMCD-Request': cmcd.join(',') },
    tags: { name: kind },
  });
  check(answer, { 'is answered with 200': (got) => got.status === 200 });
  return answer;
}

/// The rendition of a master playlist (RFC 8216 section 4.3.4.2).
function choose(text, base) {
  const lines = text.split('\n');
  const found = [];
  for (let at = 0; at < lines.length; at++) {
    const bandwidth = /^#EXT-X-STREAM-INF:.*?BANDWIDTH=(\d+)/.exec(lines[at]);
    if (bandwidth) found.push({ bandwidth: Number(bandwidth[1]), url: resolve(lines[at + 1].trim(), base) });
  }
  if (!found.length) return base;
  found.sort((a, b) => a.bandwidth - b.bandwidth);
  const at = { highest: found.length - 1, lowest: 0 }[pick] ?? Math.floor(Math.random() * found.length);
  return found[at].url;
}

/// The segments of a media playlist, and what they begin with (sections 4.3.2.1 and 4.3.2.5).
function parse(text, base) {
  const segments = [];
  let init = null;
  let seconds = 0;
  for (const line of text.split('\n').map((line) => line.trim())) {
    const map = /^#EXT-X-MAP:.*?URI="([^"]+)"/.exec(line);
    if (map) init = resolve(map[1], base);
    else if (line.startsWith('#EXTINF:')) seconds = parseFloat(line.slice(8));
    else if (line && !line.startsWith('#')) segments.push({ url: resolve(line, base), seconds });
  }
  check(segments, { 'a playlist has segments': (found) => found.length > 0 });
  return { init, segments };
}

function resolve(reference, base) {
  if (/^https?:/.test(reference)) return reference;
  const root = /^https?:\/\/[^/]+/.exec(base)[0];
  return reference.startsWith('/') ? root + reference : base.slice(0, base.lastIndexOf('/') + 1) + reference;
}
