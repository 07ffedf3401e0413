// Tables that are wider than their place are scrolled by keys, too: WCAG 2.1.1. The theme does it for code alone.
addEventListener("load", () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    wrap.tabIndex = 0
  }
})
