// What the page can do beyond being read: sort a table, choose the colours, narrow the contestants. Nothing needs it.
"use strict";
(() => {
  const tools = document.getElementById("tools");
  const root = document.documentElement;
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = document.createElement("button");
  const name = () => { theme.textContent = dark() ? "light" : "dark"; };
  theme.onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; name(); };
  name();
  const only = document.createElement("input");
  only.type = "search";
  only.placeholder = only.ariaLabel = "only contestants with …";
  only.oninput = () => {
    const wanted = only.value.trim().toLowerCase();
    for (const one of document.querySelectorAll("[data-of],.card")) {
      one.hidden = !(one.dataset.of ?? one.querySelector("h3").textContent).toLowerCase().includes(wanted);
    }
  };
  tools.append(only, theme);

  // The first number of a cell; "never" is later than all, a dash comes last either way.
  const worth = (cell) => {
    const text = cell.textContent;
    if (text === "never") return Infinity;
    const number = text.match(/[\d,]*\.?\d+/);
    return number ? parseFloat(number[0].replaceAll(",", "")) : null;
  };
  const sort = (head) => {
    const table = head.closest("table"), body = table.tBodies[0], at = head.cellIndex;
    const up = head.ariaSort !== "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.ariaSort = up ? "ascending" : "descending";
    const rows = [...body.rows].map((row) => [at ? worth(row.cells[at]) : row.cells[0].textContent, row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const head of document.querySelectorAll("th[data-sort]")) {
    head.tabIndex = 0;
    head.onclick = () => sort(head);
    head.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(head); }
    };
  }

  // A link to something inside a closed part opens it.
  const open = () => {
    const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const part = wanted && wanted.closest("details");
    if (part) { part.open = true; wanted.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
})();
