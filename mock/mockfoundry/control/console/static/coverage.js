/** The coverage: of each operation, which documented answers and faults clients have met, and a scenario for the rest. */

import { call, of } from "./api.js";
import { copy, find, make, tell } from "./dom.js";
import { attempt, start } from "./shell.js";

const everywhere = make("input", { type: "checkbox", onchange: () => attempt(look) });
const every = make("input", { type: "checkbox", onchange: () => attempt(look) });
const percent = make("progress", { max: 100, value: 0, "aria-label": "Coverage in percent" });
const count = make("span", { role: "status" });
const box = make("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Coverage by operation" });

async function look() {
  const coverage = await call("GET", everywhere.checked ? "/coverage" : of("/coverage"));
  percent.value = coverage.percent;
  count.textContent = `${coverage.met} of ${coverage.of} met: ${coverage.percent} %`;
  const operations = new Map();
  for (const square of coverage.squares) {
    if (!operations.has(square.operation)) operations.set(square.operation, []);
    operations.get(square.operation).push(square);
  }
  const rows = [...operations]
    .filter(([, squares]) => every.checked || squares.some((square) => square.times))
    .map(([name, squares]) => showOperation(name, squares));
  const head = ["operation", "met", "answers and faults"].map((name) => make("th", { scope: "col" }, name));
  box.replaceChildren(
    rows.length
      ? make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))
      : make("p", { class: "soft" }, "No operation was asked yet."),
  );
}

function showOperation(name, squares) {
  const met = squares.filter((square) => square.times).length;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", {}, `${met} of ${squares.length}`),
    make("td", {}, make("div", { class: "squares" }, ...squares.map(showSquare))),
  );
}

function showSquare(square) {
  const name = square.fault ? `${square.fault} ${square.phase}` : String(square.status);
  const told = square.times ? `met ${square.times} times` : "not met";
  const label = `${name}, ${told}: play it`;
  return make(
    "button",
    {
      type: "button",
      class: square.times ? "good" : "idle",
      title: label,
      "aria-label": `${square.operation} ${label}`,
      onclick: () => offer(square, name),
    },
    name,
    square.times > 1 && ` ×${square.times}`,
  );
}

/** Offers the scenario that makes a client meet an answer. */
function offer(square, name) {
  const scenario = square.scenario.match(/^scenario: *"?([^"\n]+)/m)?.[1] ?? "";
  const play = () =>
    attempt(async () => {
      await call("PUT", of(`/scenarios/${encodeURIComponent(scenario)}`), square.scenario);
      tell(`${scenario} is on`);
      box_.close();
    });
  const box_ = make(
    "dialog",
    { "aria-label": `${square.operation} ${name}` },
    make("h2", {}, `${square.operation}: ${name}`),
    make("pre", { tabindex: 0 }, square.scenario),
    make(
      "form",
      { method: "dialog", class: "tools" },
      make("button", { type: "button", class: "button", onclick: play }, "Switch it on"),
      make("button", { type: "button", onclick: () => copy(square.scenario, "scenario") }, "Copy"),
      make("button", {}, "Close"),
    ),
  );
  box_.addEventListener("close", () => box_.remove());
  document.body.append(box_);
  box_.showModal();
}

start(async () => {
  await look();
  find("view").replaceChildren(
    make(
      "div",
      { class: "tools" },
      percent,
      count,
      make("label", {}, everywhere, " of all foundations"),
      make("label", {}, every, " operations that nobody asked, too"),
    ),
    box,
  );
  setInterval(() => document.hidden || document.querySelector("dialog[open]") || attempt(look), 4000);
});
