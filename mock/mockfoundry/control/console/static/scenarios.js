/** The scenarios: what is on and what each rule has left, the library, one of your own; and what is on as files. */

import { call, of, whenSomethingHappens } from "./api.js";
import { calmed, find, make, save, tell } from "./dom.js";
import { attempt, start, whenClockMoves } from "./shell.js";
import { toYaml } from "./scenario_text.js";

const EXAMPLE = `scenario: second-scale-conflicts
description: The second scale is refused.
rules:
  - operation: scaleProcess
    after: 1
    times: 1
    respond: {error: CF-Conflict}
`;

const playing = make("div", { class: "cards", "aria-live": "polite" });
const library = make("div", { class: "cards" });
const search = make("input", {
  type: "search",
  placeholder: "Search the library",
  "aria-label": "Search the library",
  oninput: () => showLibrary(),
});
const own = make("textarea", { "aria-label": "A scenario of your own, as YAML", spellcheck: "false" });
const saveAll = make("button", { type: "button", onclick: () => on.forEach(saveAsFile) }, "Save what is on as files");
let on = [];
let known = [];

async function look() {
  on = (await call("GET", of("/scenarios"))).scenarios;
  saveAll.disabled = on.length === 0;
  playing.replaceChildren(
    ...(on.length
      ? on.map(showPlaying)
      : [make("p", { class: "empty" }, "Nothing breaks on purpose. Switch a scenario on.")]),
  );
  showLibrary();
}

function showPlaying(each) {
  const rules = each.scenario.rules ?? [];
  return make(
    "article",
    { class: "card", "aria-label": each.name },
    make(
      "header",
      {},
      make("h3", {}, each.name),
      each.over && make("span", { class: "mark idle" }, "over"),
      make("span", { class: "mark busy" }, `${each.answered} answered`),
      make(
        "button",
        { type: "button", onclick: () => change("PUT", each.name, each.scenario, "begins again") },
        "Restart",
      ),
      make("button", { type: "button", onclick: () => saveAsFile(each) }, "Save"),
      make("button", { type: "button", onclick: () => change("DELETE", each.name, undefined, "is off") }, "Switch off"),
    ),
    make("p", {}, each.description),
    make(
      "ol",
      {},
      ...rules.map((rule, at) => make("li", {}, `${describeRule(rule)} — ${describeProgress(rule, each.rules[at])}`)),
    ),
  );
}

function describeRule(rule) {
  const operations = [rule.operation ?? "any"].flat();
  const shown =
    operations.length > 2
      ? `${operations.slice(0, 2).join(", ")} and ${operations.length - 2} more`
      : operations.join(", ");
  return `${shown}: ${toYaml({ respond: rule.respond ?? rule.sequence ?? "" })
    .trim()
    .replace(/^respond: ?/, "")
    .slice(0, 160)}`;
}

function describeProgress(rule, progress) {
  const per = rule.per && rule.per !== "foundation" ? `, counted per ${rule.per}` : "";
  const left = progress.left === null ? "" : `, ${progress.left} left`;
  return `${progress.answered} answered${left}${per}`;
}

function showLibrary() {
  const wanted = search.value.toLowerCase();
  const names = new Set(on.map((each) => each.name));
  const fitting = known.filter(
    (each) => !wanted || `${each.name} ${each.description} ${each.story}`.toLowerCase().includes(wanted),
  );
  library.replaceChildren(...fitting.map((each) => showKnown(each, names.has(each.name))));
}

function showKnown(each, isOn) {
  const [label, method] = isOn ? ["Switch off", "DELETE"] : ["Switch on", "PUT"];
  return make(
    "article",
    { class: "card", "aria-label": each.name },
    make(
      "header",
      {},
      make("h3", {}, each.name),
      isOn && make("span", { class: "mark busy" }, "on"),
      make(
        "button",
        {
          type: "button",
          "aria-label": `${label} ${each.name}`,
          onclick: () => change(method, each.name, undefined, isOn ? "is off" : "is on"),
        },
        label,
      ),
    ),
    make("p", {}, each.description),
    each.story &&
      make(
        "details",
        {},
        make("summary", {}, "Why it happens, and what a good client does"),
        make("p", {}, each.story),
        make("p", {}, each.good_client),
      ),
  );
}

async function change(method, name, body, told) {
  await attempt(async () => {
    await call(method, of(`/scenarios/${encodeURIComponent(name)}`), body);
    tell(`${name} ${told}`);
    await look();
  });
}

async function playOwn() {
  const name = own.value.match(/^scenario:\s*"?([A-Za-z0-9_.-]+)/m)?.[1] ?? "own";
  await change("PUT", name, own.value, "is on");
}

function saveAsFile(each) {
  save(`${each.name}.yaml`, toYaml(each.scenario));
}

start(async () => {
  known = (await call("GET", "/scenarios")).scenarios;
  own.value = EXAMPLE;
  await look();
  find("view").replaceChildren(
    make(
      "div",
      { class: "columns" },
      make(
        "section",
        { "aria-labelledby": "on" },
        make("div", { class: "tools" }, make("h2", { id: "on" }, "On"), saveAll),
        playing,
        make(
          "details",
          {},
          make("summary", {}, "One of your own"),
          own,
          make("button", { type: "button", class: "button", onclick: playOwn }, "Switch it on"),
        ),
      ),
      make(
        "section",
        { "aria-labelledby": "library" },
        make("div", { class: "tools" }, make("h2", { id: "library" }, "Library"), search),
        library,
      ),
    ),
  );
  const lookSoon = calmed(() => attempt(look), 200);
  whenClockMoves(lookSoon);
  await whenSomethingHappens(lookSoon);
});
