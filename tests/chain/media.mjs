// A short film that plays without being encoded: H.264 and AAC.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function film(seconds = 2) {
  const folder = mkdtempSync(join(tmpdir(), "streamgate-film-"));
  const file = join(folder, "film.mp4");
  try {
    execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", `testsrc2=size=128x72:rate=25:duration=${seconds}`,
      "-f", "lavfi", "-i", `sine=440:duration=${seconds}`, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", file]);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
