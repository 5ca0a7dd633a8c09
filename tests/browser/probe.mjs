// What is put into the watch page to look at its picture and listen to its sound. Runs in the browser.

/**
 * Starts to record on the page's video: every presented frame with the second its patches tell, every
 * stall, and, when asked, the loudness.
 * @param {{palette: number[][], listen: boolean}} task
 */
export function installProbe({ palette, listen }) {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(2, 1);
  const pixels = canvas.getContext("2d", { willReadFrequently: true });
  const probe = { frames: [], waits: [], sound: [] };
  globalThis.probe = probe;

  function nearest([red, green, blue]) {
    const distances = palette.map(([r, g, b]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2);
    return distances.indexOf(Math.min(...distances));
  }

  /** The middle of each patch, averaged over a third of its side by the scaling of `drawImage`. */
  function readSecond() {
    const side = video.videoHeight / 6;
    for (const patch of [0, 1]) pixels.drawImage(video, (patch + 1 / 3) * side, side / 3, side / 3, side / 3, patch, 0, 1, 1);
    const data = pixels.getImageData(0, 0, 2, 1).data;
    return nearest(data.slice(0, 3)) + palette.length * nearest(data.slice(4, 7));
  }

  const onFrame = (now, { mediaTime, width, height }) => {
    video.requestVideoFrameCallback(onFrame);
    if (video.classList.contains("resuming")) return; // hidden
    const rendition = document.querySelector("[data-reading=rendition]").dataset.value ?? null;
    probe.frames.push({ now, mediaTime, second: readSecond(), width, height, rendition });
  };
  video.requestVideoFrameCallback(onFrame);
  video.addEventListener("waiting", () => probe.waits.push(video.currentTime));
  if (!listen) return;

  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
  context.createMediaElementSource(video).connect(analyser).connect(context.destination);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    if (video.paused || video.seeking || video.readyState < 3) return;
    analyser.getFloatTimeDomainData(samples);
    const peak = samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
    probe.sound.push({ time: video.currentTime, peak });
  }, 15);
}
