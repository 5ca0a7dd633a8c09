// The origin's API, asked through the edge that this page came from.

const ANSWER_WITHIN_MS = 20_000;

/** The API said no, or nothing at all (status 0): a problem document (RFC 9457) as an error. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, title?: string, detail?: string, missing?: object[]}} problem
   */
  constructor(status, problem) {
    super(words(problem.detail) ?? words(problem.title) ?? `The server answered ${status}.`);
    this.status = status;
    this.code = words(problem.code) ?? "";
    this.title = words(problem.title) ?? "The server said no";
    this.missing = Array.isArray(problem.missing) ? problem.missing : [];
  }

  /** Whether asking again may help, with nothing changed. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {string} method
 * @param {string} path below `/api/v1/`
 * @param {{body?: object, token?: string, version?: string, stream?: string}} [more] `token`: of a session, or an API key; `version`: for
 *   If-Match; `stream`: what plays and goes on with another token
 * @returns {Promise<{body: any, atMs: number, version: string|null}>} `atMs`: the server's clock; `version`: the ETag
 * @throws {Refused}
 */
export async function ask(method, path, { body, token, version, stream } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = version;
  if (stream) headers["StreamGate-Stream"] = stream;
  let answer;
  let said = null;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (/^application\/([a-z]+\+)?json/.test(answer.headers.get("Content-Type") ?? "")) said = await answer.json();
  } catch {
    throw new Refused(0, { title: "The server does not answer", detail: "Check the connection, then try again." });
  }
  if (!answer.ok) throw new Refused(answer.status, said && typeof said === "object" ? said : {});
  const date = Date.parse(answer.headers.get("Date") ?? "");
  return { body: said, atMs: Number.isFinite(date) ? date : Date.now(), version: answer.headers.get("ETag") };
}

function words(value) {
  return typeof value === "string" && value !== "" ? value.slice(0, 600) : null;
}
