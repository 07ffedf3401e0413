/** Elements. Text is always text: nothing here takes HTML, so that no name or body of a client becomes markup. */

/**
 * An element with attributes and children.
 * @param {string} tag
 * @param {Record<string, unknown>} attributes a function is a listener (`onclick`); null, undefined and false are left out
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.filter((each) => each || each === 0).map((each) => (each instanceof Node ? each : String(each))),
  );
  return element;
}

/**
 * The element with an id; it is on every page that asks for it.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`there is no #${id}`);
  return element;
}

/**
 * Tells something that a person should hear of, for a few seconds.
 * @param {string} text
 * @param {boolean} bad
 */
export function tell(text, bad = false) {
  const line = make("p", { class: bad ? "bad" : "" }, text);
  const notice = find("notice");
  notice.append(line);
  while (notice.childElementCount > 4) notice.firstElementChild.remove();
  setTimeout(() => line.remove(), bad ? 9000 : 5000);
}

/**
 * Puts a text on the clipboard; where a browser gives none, as by plain HTTP, selects it in a field.
 * @param {string} text
 * @param {string} what it is, in words
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    tell(`Copied: ${what}`);
  } catch {
    const field = make("textarea", { "aria-label": what, readonly: true });
    field.value = text;
    const box = make(
      "dialog",
      {},
      make("h2", {}, what),
      field,
      make("form", { method: "dialog" }, make("button", {}, "Close")),
    );
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    field.select();
  }
}

/**
 * Has the browser keep a text as a file.
 * @param {string} name
 * @param {string} text
 */
export function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/**
 * Calls a function when nothing has asked for it for a while.
 * @param {() => void} action
 * @param {number} milliseconds
 * @returns {() => void}
 */
export function calmed(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
