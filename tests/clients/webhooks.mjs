// Webhooks as their receiver sees them: the library of Standard Webhooks checks what we sign.

import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const WAIT_MS = 30_000;

/** A receiver that keeps what it is sent, and answers 204. */
async function receiver() {
  const taken = [];
  let wake = () => {};
  const listener = createServer((request, answer) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      taken.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer.writeHead(204).end();
      wake();
    });
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const until = (wanted) => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`only ${taken.length} messages came`)), WAIT_MS);
    wake = () => { const found = taken.find(wanted); if (found) { clearTimeout(late); resolve(found); } };
    wake();
  });
  return { url: `http://127.0.0.1:${listener.address().port}/hook`, taken, until, close: () => listener.close() };
}

/** Every message verifies with the secret of the day, and no other; after a rotation with both. */
async function standardWebhooks(server) {
  const hears = await receiver();
  try {
    const made = await server.api("POST", "webhooks", { url: hears.url, kinds: ["asset.*", "webhook.test"] });
    await server.api("POST", `webhooks/${made.id}/test`);
    const uploaded = await fetch(`${server.url}/api/v1/upload?name=note.mp4`, {
      method: "POST", headers: { authorization: `Bearer ${server.key}` }, body: "no video",
    });
    const { id } = await uploaded.json();
    const told = await hears.until(({ body }) => JSON.parse(body).data.asset === id);
    const message = new Webhook(made.secret).verify(told.body, told.headers);
    if (!message.type.startsWith("asset.")) throw new Error(`told ${message.type}`);
    for (const { headers, body } of hears.taken) new Webhook(made.secret).verify(body, headers);
    const refused = (secret, { headers, body }) => {
      try { new Webhook(secret).verify(body, headers); return false; } catch (error) { return error instanceof WebhookVerificationError; }
    };
    if (!refused(made.secret, { ...told, body: told.body.replace(id, "another") })) throw new Error("another body verifies");
    if (!refused(made.secret, { ...told, headers: { ...told.headers, "webhook-id": "evt_0" } })) throw new Error("another id verifies");
    const { secret } = await server.api("POST", `webhooks/${made.id}/rotate`, { keep_old_seconds: 60 });
    if (!refused(secret, told)) throw new Error("the new secret verifies what the old one signed");
    const before = hears.taken.length;
    await server.api("POST", `webhooks/${made.id}/test`);
    const after = await hears.until((one) => hears.taken.indexOf(one) >= before && JSON.parse(one.body).type === "webhook.test");
    for (const each of [made.secret, secret]) new Webhook(each).verify(after.body, after.headers);
    return `${hears.taken.length} messages`;
  } finally {
    hears.close();
  }
}

export const WEBHOOKS = { standardWebhooks };
