/** What every view has: the foundation's name, its clock, keys, and what is shown where a foundation is not there. */

import { Refused, call, foundation, of } from "./api.js";
import { find, make, tell } from "./dom.js";

const CLOCK_SECONDS = 5;

/** The clock as it was last told, and when. */
const clock = { now: 0, rate: 1, at: 0 };

/** @type {(() => void)[]} */
const watchers = [];

/**
 * Has a view look again when the clock was moved.
 * @param {() => void} watcher
 */
export function whenClockMoves(watcher) {
  watchers.push(watcher);
}

/** Whether time passes by itself. */
export function isRunning() {
  return clock.rate > 0;
}

/**
 * Takes what an answer says of the clock.
 * @param {{now: string, rate: number}} told
 */
export function takeClock(told) {
  clock.now = Date.parse(told.now);
  clock.rate = told.rate;
  clock.at = performance.now();
  showClock();
}

function showClock() {
  if (!clock.at) return;
  const now = new Date(clock.now + (performance.now() - clock.at) * clock.rate);
  find("now").textContent = now
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
  find("pace").textContent = clock.rate === 0 ? "frozen" : clock.rate === 1 ? "runs" : `runs ${clock.rate}×`;
  find("freeze").textContent = clock.rate === 0 ? "Run" : "Freeze";
  if (clock.rate > 0) find("rate").value = String(clock.rate);
}

async function readClock() {
  try {
    takeClock(await call("GET", of("/clock")));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** @param {Record<string, unknown>} change */
async function changeClock(change) {
  await attempt(async () => {
    takeClock(await call("PATCH", of("/clock"), change));
    watchers.forEach((each) => each());
  });
}

/**
 * Does something, and tells why where it was refused.
 * @param {() => Promise<void>} action
 */
export async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(error.message, true);
  }
}

async function fillPicker() {
  const picker = find("foundation");
  const names = (await call("GET", "/foundations")).foundations.map((each) => each.name);
  if (!names.includes(foundation)) names.unshift(foundation);
  picker.replaceChildren(...names.map((name) => make("option", { value: name, selected: name === foundation }, name)));
}

function keepFoundationInLinks() {
  for (const link of document.querySelectorAll("nav a[data-view]")) {
    if (foundation !== "default") link.href += `?foundation=${encodeURIComponent(foundation)}`;
  }
}

function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog")) return;
    const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (link) link.click();
    else if (event.key === "f") find("freeze").click();
    else if (event.key === ".") changeClock({ advance: "10s" });
    else if (event.key === "?") find("help").showModal();
    else if (event.key === "/") document.querySelector("input[type=search]")?.focus();
    else return;
    event.preventDefault();
  });
}

/**
 * Shows a view once its foundation is there; where it is not, says so, and offers to make it.
 * @param {() => Promise<void>} show fills the page
 */
export async function start(show) {
  keepFoundationInLinks();
  listenToKeys();
  find("foundation").addEventListener("change", (event) => {
    location.search = `?foundation=${encodeURIComponent(event.target.value)}`;
  });
  find("freeze").addEventListener("click", () =>
    changeClock(clock.rate === 0 ? { rate: Number(find("rate").value) } : { frozen: true }),
  );
  find("rate").addEventListener("change", (event) => changeClock({ rate: Number(event.target.value) }));
  for (const button of document.querySelectorAll("[data-advance]")) {
    button.addEventListener("click", () => changeClock({ advance: button.dataset.advance }));
  }
  find("open-help").addEventListener("click", () => find("help").showModal());
  setInterval(showClock, 250);
  setInterval(() => document.hidden || readClock(), CLOCK_SECONDS * 1000);
  await attempt(fillPicker);
  await readClock();
  try {
    await show();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    find("view").replaceChildren(describeAbsence(error));
  }
}

/** @param {Refused} error */
function describeAbsence(error) {
  const offer =
    error.kind === "unknown-foundation" && make("button", { class: "button", onclick: makeFoundation }, "Make it");
  return make("div", { class: "empty" }, make("p", {}, error.message), offer);
}

async function makeFoundation() {
  await attempt(async () => {
    await call("PUT", of());
    location.reload();
  });
}
