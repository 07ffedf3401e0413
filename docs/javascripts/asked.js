/*
 * What a person types into the search is asked as they mean it. The search engine takes a `-` before a word for "without",
 * and refuses `--tls`; and it takes X-Mock-Foundation for three words, of which one is enough.
 */

/**
 * @param {string} typed
 * @returns {string} in the engine's own syntax: of a name with signs in it, and of what stands in quotes, all parts are
 *   wanted; a word that is there as it was typed comes before longer ones.
 */
function meantBy(typed) {
  const words = typed.match(/"[^"]*"|\S+/g) ?? []
  return words
    .map((word) => word.match(/[\p{L}\p{N}_]+/gu) ?? [])
    .filter((parts) => parts.length)
    .map((parts) => (parts.length > 1 ? `${parts.map((part) => `+${part}`).join(" ")}*` : `${parts[0]}^4 ${parts[0]}`))
    .join(" ")
}

const QUERY = 2 // the theme's number for a message that asks the search
const post = Worker.prototype.postMessage

Worker.prototype.postMessage = function (message, ...rest) {
  const asks = message?.type === QUERY && typeof message.data === "string"
  return post.call(this, asks ? { ...message, data: meantBy(message.data) } : message, ...rest)
}
