/** The world: apps, processes and instances as cells, which move with the clock; scaling from here. */

import { call, foundation, of, request, whenSomethingHappens } from "./api.js";
import { calmed, find, make, tell } from "./dom.js";
import { attempt, isRunning, start, takeClock, whenClockMoves } from "./shell.js";

const MAX_CELLS = 120;
const SIGNS = { RUNNING: "", STARTING: "…", CRASHED: "×", DOWN: "", STOPPING: "▾" };
const WORDS = { RUNNING: "running", STARTING: "starting", CRASHED: "crashed", DOWN: "down", STOPPING: "stopping" };

/** What is shown of each app: its element, and what that shows, so that only what changed is drawn anew. */
const shown = new Map();

const search = make("input", {
  type: "search",
  placeholder: "Search apps",
  "aria-label": "Search apps",
  oninput: calmed(() => look(), 200),
});
const count = make("span", { class: "soft", role: "status" });
const list = make("div", { class: "apps" });

async function look() {
  const world = await call("GET", of(`/world?search=${encodeURIComponent(search.value)}`));
  takeClock(world);
  count.textContent = describeCount(world);
  const elements = world.apps.map(showApp);
  const guids = new Set(world.apps.map((app) => app.guid));
  for (const guid of shown.keys()) if (!guids.has(guid)) shown.delete(guid);
  if (elements.length === 0) list.replaceChildren(describeNothing(world));
  else if (elements.some((element, at) => list.children[at] !== element) || list.childElementCount !== elements.length)
    list.replaceChildren(...elements);
}

function describeCount({ apps, found, of: all }) {
  const hidden = apps.length < found ? `, the first ${apps.length} shown` : "";
  return `${found} of ${all} apps${hidden}`;
}

function describeNothing(world) {
  if (world.of > 0) return make("p", { class: "empty" }, "No app has that in its name.");
  const hint = `mockfoundry state ${foundation} --patch seed.yaml`;
  return make(
    "div",
    { class: "empty" },
    make("p", {}, "This foundation has no apps. A seed, or a patch of its state, brings some:"),
    make("pre", {}, hint),
  );
}

/** The element of an app; the same one as before where nothing of it has changed. */
function showApp(app) {
  const key = JSON.stringify(app);
  const before = shown.get(app.guid);
  if (before?.key === key) return before.element;
  if (before && before.element.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) {
    // Someone types into it.
    updateCells(before.element, app);
    return before.element;
  }
  const element = make(
    "article",
    { class: "app", "aria-label": app.name },
    make(
      "header",
      {},
      make("h2", {}, app.name),
      make("span", { class: "soft" }, `${app.organization} / ${app.space}`),
      make("span", { class: `mark ${app.state === "STARTED" ? "good" : "idle"}` }, app.state.toLowerCase()),
    ),
    ...app.processes.map(showProcess),
  );
  const focused = before?.element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  if (before) before.element.replaceWith(element);
  if (focused) element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  shown.set(app.guid, { key, element });
  return element;
}

function showProcess(process) {
  const wanted = make("input", {
    type: "number",
    min: 0,
    value: process.instances,
    "aria-label": `Instances of ${process.type}`,
    "data-focus": `${process.guid} wanted`,
  });
  wanted.addEventListener("change", () => scale(process, Number(wanted.value)));
  const step = (by, label) =>
    make(
      "button",
      {
        type: "button",
        "aria-label": label,
        "data-focus": `${process.guid} ${by}`,
        disabled: by < 0 && process.instances === 0,
        onclick: () => scale(process, process.instances + by),
      },
      by < 0 ? "−" : "+",
    );
  return make(
    "div",
    { class: "process", "data-guid": process.guid },
    make("span", { class: "type" }, process.type),
    make("span", { class: "soft" }, `${process.memory_in_mb} MB`),
    showCells(process),
    make(
      "span",
      { class: "scale" },
      step(-1, `One ${process.type} fewer`),
      wanted,
      step(1, `One ${process.type} more`),
    ),
  );
}

function showCells(process) {
  const cells = [];
  let left = MAX_CELLS;
  let index = 0;
  for (const [state, times] of process.states) {
    for (let each = 0; each < Math.min(times, left); each += 1) {
      cells.push(
        make(
          "span",
          { class: `cell ${state}`, title: `${index + each}: ${WORDS[state] ?? state}`, "aria-hidden": "true" },
          SIGNS[state] ?? "?",
        ),
      );
    }
    left = Math.max(0, left - times);
    index += times;
  }
  if (index > MAX_CELLS) cells.push(make("span", { class: "soft" }, `+${index - MAX_CELLS}`));
  if (index === 0) cells.push(make("span", { class: "soft" }, "no instances"));
  return make("span", { class: "cells", role: "img", "aria-label": describeStates(process.states) }, ...cells);
}

function describeStates(states) {
  const counts = {};
  for (const [state, times] of states) counts[state] = (counts[state] ?? 0) + times;
  return (
    Object.entries(counts)
      .map(([state, times]) => `${times} ${WORDS[state] ?? state}`)
      .join(", ") || "no instances"
  );
}

function updateCells(element, app) {
  for (const process of app.processes) {
    element.querySelector(`[data-guid="${CSS.escape(process.guid)}"] .cells`)?.replaceWith(showCells(process));
  }
}

async function scale(process, instances) {
  await attempt(async () => {
    const answer = await request("POST", `/v3/processes/${process.guid}/actions/scale`, { instances });
    const error = answer.body?.errors?.[0]?.detail;
    tell(
      `${answer.status || "No answer"}${error ? `: ${error}` : ""} — ${answer.why}`,
      answer.status >= 400 || answer.status === 0,
    );
    shown.clear();
    await look();
  });
}

start(async () => {
  const legend = make(
    "ul",
    { class: "legend", "aria-label": "What the cells mean" },
    ...Object.keys(WORDS).map((state) =>
      make("li", {}, make("span", { class: `cell ${state}`, "aria-hidden": "true" }, SIGNS[state]), WORDS[state]),
    ),
  );
  await look();
  find("view").replaceChildren(make("div", { class: "tools" }, search, count, legend), list);
  const lookSoon = calmed(() => attempt(look), 150);
  whenClockMoves(lookSoon);
  await whenSomethingHappens(lookSoon);
  setInterval(() => document.hidden || (isRunning() && attempt(look)), 1000);
});
