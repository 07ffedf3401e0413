/* What the theme leaves out of WCAG 2.1: 2.1.1, tables that are wider than their place are scrolled by keys, as code is;
   4.1.2, the dialog of the search has a name. */
addEventListener("load", () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    wrap.tabIndex = 0
  }
  document.querySelector("[data-md-component=search]")?.setAttribute("aria-label", "Search")
})
