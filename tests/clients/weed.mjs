// An S3 of our own: SeaweedFS on free ports, ended by its process id.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, until } from "./program.mjs";

export const S3 = { bucket: "videos", accessKey: "streamgate", secretKey: "streamgate-secret" };

export class Weed {
  static async start(program) {
    const weed = new Weed();
    weed.folder = await mkdtemp(join(tmpdir(), "streamgate-s3-"));
    const credentials = [{ accessKey: S3.accessKey, secretKey: S3.secretKey }];
    await writeFile(join(weed.folder, "s3.json"), JSON.stringify({ identities: [{ name: "streamgate", credentials, actions: ["Admin"] }] }));
    const [s3, filer, master, volume, ...grpc] = await freePorts(8);
    weed.endpoint = `http://127.0.0.1:${s3}`;
    const ports = Object.entries({ s3, filer, master, volume }).flatMap(([name, port], n) => [`-${name}.port=${port}`, `-${name}.port.grpc=${grpc[n]}`]);
    weed.child = spawn(program, [
      "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-filer", "-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
      "-volume.max=20", "-master.volumeSizeLimitMB=64", `-dir=${weed.folder}`, `-s3.config=${join(weed.folder, "s3.json")}`, ...ports,
    ], { cwd: weed.folder, stdio: "ignore" });
    weed.gone = new Promise((resolve) => weed.child.once("close", resolve));
    const answers = (url) => fetch(url).then((answer) => answer.ok, () => false);
    await until("SeaweedFS", async () => (await answers(`${weed.endpoint}/status`)) && answers(`http://127.0.0.1:${filer}/?limit=1`));
    return weed;
  }

  async end() {
    this.child.kill("SIGKILL");
    await this.gone;
    await rm(this.folder, { recursive: true, force: true });
  }
}
