/** A request as lines for a shell that need nothing set before: the journal keeps no token, so they have one minted. */

import { of } from "./api.js";

const CONTROL_TOKEN = "MOCKFOUNDRY_CONTROL_TOKEN";

/**
 * @param {string} command curl's, with variables in the places of secrets
 * @param {string | null} user whose request it was; null where its token counted for nobody
 * @param {boolean} isGuarded whether calls of the control API carry a token
 * @returns {string} the command, behind lines that set its variables, or say what they have to be
 */
export function toLines(command, user, isGuarded) {
  const unknown = new Set([...command.matchAll(/"\$(TOKEN|SECRET(?:_\d+)?)"/g)].map((found) => found[1]));
  const lines = [];
  if (user && /authorization: bearer '"\$TOKEN"/i.test(command)) {
    unknown.delete("TOKEN");
    if (isGuarded) lines.push(wantVariable(CONTROL_TOKEN, "the token that the server was started with"));
    lines.push(mintToken(user, isGuarded));
  }
  for (const name of unknown) lines.push(wantVariable(name, "what the request had there; the journal does not keep it"));
  return [...lines, command].join("\n");
}

function mintToken(user, isGuarded) {
  const header = isGuarded ? ` -H "X-Mock-Control-Token: $${CONTROL_TOKEN}"` : "";
  const body = JSON.stringify({ user }).replace(/['\u007f-\uffff]/g, escapeUnit);
  const url = `${location.origin}/__mock${of("/tokens")}`;
  const call = `curl -sS${header} -H 'Content-Type: application/json' -d '${body}' '${url}'`;
  return `TOKEN=$(${call} | sed -n 's/.*"access_token":"\\([^"]*\\).*/\\1/p')`;
}

/** A variable that has to be set before; a shell that has none says what for. */
function wantVariable(name, what) {
  return `: "\${${name}:?set it to ${what}}"`;
}

function escapeUnit(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
