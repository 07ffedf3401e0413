/** Scenarios as files: one made of what was answered, and any of them as YAML. */

/**
 * A scenario that gives the next such request the same answer; one that worked is answered with a 503 instead.
 * @param {any} entry an exchange of the journal
 * @returns {Record<string, unknown>}
 */
export function scenarioOf(entry) {
  const operation = entry.operation ?? "any";
  const outcome = entry.fault ?? entry.status ?? 503;
  return {
    scenario: `${dashed(operation)}-${outcome}`.slice(0, 40),
    description: `The first ${operation} gets what request ${entry.number} got.`,
    rules: [{ operation, times: 1, respond: respondOf(entry) }],
  };
}

function dashed(name) {
  return name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`).replace(/^-/, "");
}

function respondOf(entry) {
  if (entry.fault) return entry.kept ? { fault: entry.fault, phase: "after" } : { fault: entry.fault };
  if ((entry.status ?? 0) < 400) return { error: "CF-ServiceUnavailable" };
  const error = entry.answer?.errors?.[0];
  const retry = entry.answer_headers["retry-after"];
  const headers = retry ? { headers: { "Retry-After": retry } } : {};
  if (
    entry.answer?.errors?.length === 1 &&
    String(error?.title).startsWith("CF-") &&
    Object.keys(entry.answer).length === 1
  ) {
    return { error: error.title, detail: error.detail, ...headers };
  }
  const body =
    entry.answer === null ? {} : typeof entry.answer === "string" ? { text: entry.answer } : { body: entry.answer };
  return { status: entry.status, ...body, ...headers, undocumented: true };
}

/**
 * A scenario as a file: a line for each key, and for each rule.
 * @param {Record<string, unknown>} scenario
 */
export function toYaml(scenario) {
  const lines = [];
  for (const [key, value] of Object.entries(scenario)) {
    if (Array.isArray(value) && value.length && typeof value[0] === "object") {
      lines.push(`${key}:`, ...value.map((each) => `  - ${inline(each)}`));
    } else {
      lines.push(`${key}: ${inline(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, each]) => `${word(key)}: ${inline(each)}`)
      .join(", ")}}`;
  }
  return typeof value === "string" ? word(value) : JSON.stringify(value);
}

/** A text, without quotes where every reader of YAML takes it for text. */
function word(text) {
  const isPlain = /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
