/** The requests: live, each with the reason of its answer; near misses unfolded, and copies as curl or as a scenario. */

import { call, follow, foundation, isGuarded, of } from "./api.js";
import { toLines } from "./curl_text.js";
import { calmed, copy, find, make } from "./dom.js";
import { attempt, start } from "./shell.js";
import { scenarioOf, toYaml } from "./scenario_text.js";

const MAX_ROWS = 500;

/** @type {Map<number, {entry: any, element: HTMLElement}>} by number, the latest last */
const rows = new Map();

const search = make("input", {
  type: "search",
  placeholder: "Search",
  "aria-label": "Search requests",
  oninput: calmed(() => show(), 150),
});
const onlyFailures = make("input", { type: "checkbox", onchange: () => show() });
const paused = make("input", { type: "checkbox", onchange: () => show() });
const count = make("span", { class: "soft", role: "status" });
const list = make("ol", { class: "requests", reversed: true, "aria-label": "Requests, the latest first" });
const box = make("div", {}, list);
let dropped = 0;
const showSoon = calmed(() => paused.checked || show(), 80);

function take(entry) {
  const before = rows.get(entry.number);
  rows.set(entry.number, { entry, element: showEntry(entry, before?.element) });
  for (const number of rows.keys()) {
    if (rows.size <= MAX_ROWS) break;
    rows.delete(number);
    dropped += 1;
  }
}

function show() {
  const wanted = search.value.toLowerCase();
  const fitting = [...rows.values()]
    .filter(
      ({ entry }) =>
        (!onlyFailures.checked || isFailure(entry)) &&
        (!wanted || JSON.stringify([entry.line, entry.why, entry.path, entry.actor]).toLowerCase().includes(wanted)),
    )
    .sort((left, right) => right.entry.number - left.entry.number)
    .map(({ element }) => element);
  list.replaceChildren(...fitting);
  count.textContent = `${fitting.length} of ${rows.size}${dropped ? `, ${dropped} earlier ones not shown` : ""}`;
  box.replaceChildren(fitting.length ? list : describeNothing());
}

function describeNothing() {
  if (rows.size) return make("p", { class: "empty" }, "No request fits.");
  const line = `curl -H 'Authorization: bearer admin' ${location.origin}/foundations/${foundation}/v3/processes`;
  return make(
    "div",
    { class: "empty" },
    make("p", {}, "Nothing was asked yet. Point a client here, or try:"),
    make("pre", {}, line),
    make("button", { onclick: () => copy(line, "the line") }, "Copy"),
  );
}

function isFailure(entry) {
  return entry.fault || (entry.status ?? 0) >= 400;
}

function showEntry(entry, before) {
  const isOpen = before?.querySelector(".line")?.getAttribute("aria-expanded") === "true";
  const detail = make("div", { class: "detail", hidden: !isOpen });
  const line = make(
    "button",
    { type: "button", class: "line", "aria-expanded": String(isOpen) },
    make("span", { class: "soft mono" }, entry.number),
    make("span", { class: "soft mono" }, entry.time.slice(11, 23)),
    make("span", {}, markOf(entry)),
    make("span", { class: "what" }, `${entry.method} ${entry.path}`),
    make("span", { class: "why soft" }, entry.why),
  );
  line.addEventListener("click", () => {
    detail.hidden = !detail.hidden;
    line.setAttribute("aria-expanded", String(!detail.hidden));
    if (!detail.hidden) fill(detail, entry);
  });
  if (isOpen) fill(detail, entry);
  return make("li", {}, line, detail);
}

function markOf(entry) {
  if (entry.fault) return make("span", { class: "mark bad" }, entry.fault);
  if (!entry.answered) return make("span", { class: "mark busy" }, "waits");
  if (entry.status === null) return make("span", { class: "mark idle" }, "left");
  const kind = entry.status >= 500 ? "bad" : entry.status >= 400 ? "warn" : "good";
  return make("span", { class: `mark ${kind}` }, entry.status);
}

function fill(detail, entry) {
  const facts = [
    ["operation", entry.operation ?? "none"],
    ["asked by", entry.actor ?? "nobody known"],
    ["decided by", entry.scenario ? `scenario ${entry.scenario}, rule ${entry.rule}` : "the world"],
    ["kept", entry.kept ? (entry.changed ? "yes, and it changed the world" : "yes, and it changed nothing") : "no"],
    ["waited", entry.delay ? `${entry.delay} s` : ""],
    ["not in the contract", entry.violations ?? ""],
  ].filter(([, value]) => value);
  detail.replaceChildren(
    make("div", { class: "wide" }, make("p", {}, entry.why), make("span", { class: "group" }, ...actionsOf(entry))),
    make(
      "div",
      {},
      make("h2", {}, "Facts"),
      make(
        "table",
        {},
        make(
          "tbody",
          {},
          ...facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))),
        ),
      ),
    ),
    make(
      "div",
      {},
      make("h2", {}, "Request"),
      make("pre", { tabindex: 0 }, render(entry.headers, entry.body, queryOf(entry))),
    ),
    make(
      "div",
      {},
      make("h2", {}, "Answer"),
      make("pre", { tabindex: 0 }, render(entry.answer_headers, entry.answer, "")),
    ),
    entry.near_miss && showNearMiss(entry.near_miss),
  );
}

function actionsOf(entry) {
  const asCurl = () =>
    attempt(async () => {
      const { curl } = await call("GET", of(`/requests/${entry.number}`));
      await copy(toLines(curl, entry.actor, isGuarded), "curl command");
    });
  return [
    make("button", { type: "button", onclick: asCurl }, "Copy as curl"),
    make("button", { type: "button", onclick: () => copy(toYaml(scenarioOf(entry)), "scenario") }, "Copy as scenario"),
  ];
}

function queryOf(entry) {
  const pairs = Object.entries(entry.query).flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
  return pairs.length ? `?${pairs.join("&")}\n` : "";
}

function render(headers, body, before) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text =
    body === null || body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body, null, 2);
  return `${before}${lines.join("\n")}${text ? `\n\n${text}` : ""}`;
}

/** A near miss, `scenario X, rule 1: body instances: wanted 4, got 3; …`, condition by condition. */
function showNearMiss(text) {
  const at = text.indexOf(": ");
  const conditions = text.slice(at + 2).split(/; (?=[^;]*?: wanted )/);
  const cells = conditions.map(
    (condition) => condition.match(/^(.*?): wanted (.*), got (.*)$/s)?.slice(1) ?? [condition, "", ""],
  );
  const head = ["condition", "wanted", "got"].map((name) => make("th", { scope: "col" }, name));
  const body = cells.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))));
  return make(
    "div",
    { class: "wide" },
    make("h2", {}, `Nearly: ${text.slice(0, at)}`),
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)),
  );
}

start(async () => {
  const held = await call("GET", of(`/requests?limit=${MAX_ROWS}`));
  dropped = held.recorded - held.requests.length;
  held.requests.forEach(take);
  show();
  find("view").replaceChildren(
    make(
      "div",
      { class: "tools" },
      search,
      make("label", {}, onlyFailures, " only failures"),
      make("label", {}, paused, " hold still"),
      count,
    ),
    box,
  );
  follow(held.recorded, {
    entry: (entry) => {
      take(entry);
      showSoon();
    },
    missed: (number) => {
      dropped += number;
    },
    reset: () => {
      rows.clear();
      dropped = 0;
      show();
    },
  });
});
