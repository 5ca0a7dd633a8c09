// What a page does that takes uploads: Uppy, by tus to the origin or in parts to its S3. Runs in the browser, made one file by esbuild.

import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const MIB = 1 << 20;
const { api, key } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const headers = { authorization: `Bearer ${key}` };

/** The file that the person chose. */
const chosen = () => document.querySelector("input").files[0];

async function send(uppy) {
  const { name, type } = chosen();
  uppy.addFile({ name, type, data: chosen() });
  const { failed } = await uppy.upload();
  if (failed.length) throw new Error(String(failed[0].error));
}

async function post(path, body) {
  const answer = await fetch(`${api}/${path}`, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

window.byTus = async () => {
  let asset = "";
  const onAfterResponse = (_, answer) => { asset = answer.getHeader("StreamGate-Asset") ?? asset; };
  await send(new Uppy().use(Tus, { endpoint: `${api}/upload/tus`, headers, chunkSize: MIB, onAfterResponse }));
  return asset;
};

window.byS3 = async () => {
  const begun = await post(`upload/presigned-init?name=${encodeURIComponent(chosen().name)}`, { length: chosen().size });
  let asset = "";
  await send(new Uppy().use(AwsS3, {
    shouldUseMultipart: true,
    getChunkSize: () => begun.part_bytes,
    createMultipartUpload: () => ({ uploadId: begun.id, key: begun.id }),
    signPart: (_, { partNumber }) => ({ url: begun.parts[partNumber - 1].url }),
    listParts: () => [],
    abortMultipartUpload: () => {},
    completeMultipartUpload: async (_, { uploadId, parts }) => {
      const sent = parts.map(({ PartNumber, ETag }) => ({ number: PartNumber, etag: ETag }));
      asset = (await post("upload/complete-presigned", { id: uploadId, parts: sent })).id;
      return {};
    },
  }));
  return asset;
};
