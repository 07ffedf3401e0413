/** The control API, and the Cloud Controller's API of the foundation that the page is about. */

const pageToken = document.documentElement.dataset.pageToken ?? "";

/** The foundation that the page is about. */
export const foundation = new URLSearchParams(location.search).get("foundation") || "default";

/** Whether the server has a control token; its calls are made here by a cookie, elsewhere by that token. */
export const isGuarded = Boolean(document.querySelector("form[action$='/logout']"));

/** A call was refused. `status` is HTTP's, `kind` a word for programs, and the message says what to do. */
export class Refused extends Error {
  /** @param {number} status @param {string} kind @param {string} detail */
  constructor(status, kind, detail) {
    super(detail);
    this.status = status;
    this.kind = kind;
  }
}

/**
 * A call of the control API.
 * @param {string} method
 * @param {string} path below /__mock
 * @param {unknown} body JSON's value, or YAML's text
 * @returns {Promise<any>} JSON's value; null where there is no body
 * @throws {Refused}
 */
export async function call(method, path, body = undefined) {
  const headers = { "X-Mock-Page-Token": pageToken };
  if (body !== undefined) headers["Content-Type"] = typeof body === "string" ? "application/yaml" : "application/json";
  const content = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`/__mock${path}`, { method, headers, body: content });
  } catch {
    throw new Refused(0, "gone", "The server does not answer; is it still running?");
  }
  if (answer.status === 204) return null;
  const isJson = (answer.headers.get("content-type") ?? "").includes("json");
  const value = isJson ? await answer.json() : await answer.text();
  if (answer.ok) return value;
  const problem = isJson ? value : { type: "", detail: String(value) };
  if (answer.status === 401) location.reload();
  throw new Refused(answer.status, String(problem.type).split(":").pop() ?? "", String(problem.detail));
}

/**
 * A path of the page's foundation: in the control API, and by itself in the Cloud Controller's.
 * @param {string} path
 */
export function of(path = "") {
  return `/foundations/${encodeURIComponent(foundation)}${path}`;
}

/** @type {Promise<string> | null} */
let token = null;

/**
 * A request to the Cloud Controller's API, as an admin of the foundation; it is in the journal like any other.
 * @param {string} method
 * @param {string} path
 * @param {unknown} body JSON's value
 * @returns {Promise<{status: number, why: string, body: any}>}
 */
export async function request(method, path, body) {
  token ??= call("POST", of("/tokens"), {}).then((minted) => minted.access_token);
  const headers = { Authorization: `bearer ${await token}`, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(of(path), {
      method,
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
    });
  } catch {
    return { status: 0, why: "no answer came: the connection was broken, or the server is gone", body: null };
  }
  if (answer.status === 401) token = null;
  let value = null;
  try {
    value = await answer.json();
  } catch {
    // An answer that is no JSON, as a scenario may give.
  }
  return { status: answer.status, why: answer.headers.get("x-mock-why") ?? "", body: value };
}

/**
 * The exchanges of the foundation as they come, until the page is left.
 * @param {number} after the number behind which they begin
 * @param {{entry: (entry: any) => void, missed?: (count: number) => void, reset?: () => void}} listeners
 */
export function follow(after, listeners) {
  const stream = new EventSource(`/__mock${of("/requests")}?follow=true&format=events&after=${after}`);
  stream.addEventListener("message", (event) => listeners.entry(JSON.parse(event.data)));
  stream.addEventListener("missed", (event) => listeners.missed?.(Number(event.data)));
  stream.addEventListener("reset", () => listeners.reset?.());
  addEventListener("pagehide", () => stream.close());
}

/**
 * Has a view look again with each exchange from now on.
 * @param {() => void} look
 */
export async function whenSomethingHappens(look) {
  const summary = await call("GET", of());
  follow(summary.journal.recorded, { entry: look, reset: look });
}
