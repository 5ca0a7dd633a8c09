// The key of an encrypted title: fetched against the token and handed to the browser, which decrypts what the player feeds it
// (Encrypted Media Extensions with Clear Key). One way for every engine: hls.js and dash.js are not told that anything is encrypted.

const SYSTEM = "org.w3.clearkey";
const SCHEME = { encryptionScheme: "cbcs" };
const WANTED = [
  {
    initDataTypes: ["cenc"],
    videoCapabilities: [{ contentType: 'video/mp4; codecs="avc1.42E01E"', ...SCHEME }],
    audioCapabilities: [{ contentType: 'audio/mp4; codecs="mp4a.40.2"', ...SCHEME }],
  },
];

/**
 * From now on `video` gets the key of what is encrypted; `stop` ends that.
 * @param {{video: HTMLVideoElement, url: string, fresh: (url: string) => string, on: import("../watch.js").Listener}} task `url`: of the manifest
 * @returns {{ready: () => Promise<void>, stop: () => void}} `ready` before the player is given anything that is encrypted; it never fails, but tells
 */
export function unlock({ video, url, fresh, on }) {
  const key = new URL("key", new URL(url, location.href)).href;
  let session = null;
  let attached = null;
  let isOver = false;

  const without = (error) => {
    if (!isOver) on.trouble({ url: key, network: false, isKeyless: true, detail: `no-clear-key: ${error?.message ?? error}` });
  };

  /** One asset has one key: the first header that asks for it is enough. */
  async function asked({ initDataType, initData }) {
    if (session || isOver || !initData) return;
    session = {};
    try {
      const keys = await (attached ??= mediaKeys(video));
      if (isOver) return;
      session = keys.createSession();
      session.addEventListener("message", ({ message }) => answer(message));
      await session.generateRequest(initDataType, initData);
    } catch (error) {
      without(error);
    }
  }

  /** What the browser asks for is passed on as it is, and so is what it is given. */
  async function answer(message) {
    try {
      const response = await fetch(fresh(key), { method: "POST", body: message, cache: "no-store" });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const given = await response.arrayBuffer();
      if (!isOver) await session.update(given);
    } catch (error) {
      if (!isOver) on.trouble({ url: key, network: true, detail: `the key: ${error?.message ?? error}` });
    }
  }

  video.addEventListener("encrypted", asked);
  return {
    // hls.js feeds nothing encrypted to an element that has no MediaKeys.
    ready: async () => {
      await (attached ??= mediaKeys(video)).catch(without);
    },
    stop() {
      isOver = true;
      video.removeEventListener("encrypted", asked);
      session?.close?.().catch(() => {});
    },
  };
}

/** Those of the element, which outlive an engine. */
async function mediaKeys(video) {
  if (video.mediaKeys) return video.mediaKeys;
  if (!navigator.requestMediaKeySystemAccess) throw new Error("this page was not opened over HTTPS or from localhost");
  const access = await navigator.requestMediaKeySystemAccess(SYSTEM, WANTED);
  const keys = await access.createMediaKeys();
  await video.setMediaKeys(keys);
  return keys;
}

/** What a playlist says of keys: hls.js would look for what it cannot do. */
const KEYS = /^#EXT-X-(SESSION-)?KEY:.*\r?\n/gm;
/** What a manifest says it protects. */
const PROTECTION = /<ContentProtection\b[^>]*?(\/>|>[^]*?<\/ContentProtection>)/g;

/** A playlist or manifest without what it says of encryption; the same text when it says nothing. */
export function withoutKeys(text) {
  return text.replace(text.startsWith("#EXTM3U") ? KEYS : PROTECTION, "");
}
