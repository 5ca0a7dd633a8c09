// A proxy in front of an endpoint that counts what it is asked, by method.

import { createServer } from "node:http";

export class Counting {
  static async start(url) {
    const counting = new Counting();
    counting.asked = {};
    counting.server = createServer(async (request, response) => {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      const body = Buffer.concat(pieces);
      const { method } = JSON.parse(body);
      counting.asked[method] = (counting.asked[method] ?? 0) + 1;
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { "content-type": "application/json", "content-length": bytes.length });
      response.end(bytes);
    });
    await new Promise((resolve) => counting.server.listen(0, "127.0.0.1", resolve));
    counting.url = `http://127.0.0.1:${counting.server.address().port}`;
    return counting;
  }

  end() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
