// Numbers and codecs in words a person reads. Pure.

/** `av01.0.05M.08` -> `AV1`; the string itself when it is none we know. */
export function codecName(codec) {
  const family = codecFamily(codec);
  return { av1: "AV1", h264: "H.264", h265: "H.265", vp9: "VP9" }[family] ?? family;
}

/** `av1`, `h264`, `h265`, `vp9`, or the four letters as they stand. */
export function codecFamily(codec) {
  const four = (codec ?? "").split(".")[0].toLowerCase();
  return { av01: "av1", avc1: "h264", avc3: "h264", hvc1: "h265", hev1: "h265", vp09: "vp9" }[four] ?? (four || "unknown");
}

/** `1.23 Mbit/s`, `640 kbit/s`; a dash for what is not known. */
export function bitrate(bitsPerSecond) {
  if (!Number.isFinite(bitsPerSecond) || bitsPerSecond <= 0) return "–";
  if (bitsPerSecond >= 1e6) return `${(bitsPerSecond / 1e6).toFixed(bitsPerSecond >= 1e7 ? 0 : 2)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

/** `84 KiB`, `1.2 MiB`. */
export function bytes(count) {
  if (!Number.isFinite(count)) return "–";
  if (count >= 1 << 20) return `${(count / (1 << 20)).toFixed(1)} MiB`;
  return count >= 1024 ? `${Math.round(count / 1024)} KiB` : `${count} B`;
}

/** `0.42 s`. */
export function seconds(value) {
  return Number.isFinite(value) ? `${value.toFixed(value < 10 ? 2 : 1)} s` : "–";
}

/** `1:02:03`, `4:05`. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `AV1 480p`, with the width where two renditions would read the same. */
export function renditionName(rendition) {
  const size = rendition.height ? ` ${rendition.height}p` : "";
  const rate = rendition.frameRate >= 48 ? String(Math.round(rendition.frameRate)) : "";
  return `${codecName(rendition.codec)}${size}${rate}`;
}
