"use strict";
// Sorting and filtering of the tables of class "board". Without it they are in order of rank, and whole.
for (const table of document.querySelectorAll("table.board")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells], names = heads.map(head => head.textContent.trim());
  const text = (row, column) => row.cells[column].textContent.trim();
  const value = (row, column) => {
    const found = /^[=<+-]?[\d.,]+/.exec(text(row, column));
    if (!found || /^\d{4}-\d\d/.test(text(row, column))) return null;
    const number = parseFloat(found[0].replace(/[=<,]/g, ""));
    const unit = {k: 1e3, M: 1e6, G: 1e9}[text(row, column)[found[0].length]];
    return number * (unit || 1);
  };

  const sort = (column, down) => {
    const keys = new Map(rows.map((row, place) => [row, [value(row, column), text(row, column).toLowerCase(), place]]));
    const order = (a, b) => {
      const [x, s, i] = keys.get(a), [y, t, j] = keys.get(b);
      // What has no value comes last, whichever way.
      const none = (s === "" || s === "–") - (t === "" || t === "–");
      if (none) return none;
      const step = x !== null && y !== null ? x - y : s < t ? -1 : s > t ? 1 : 0;
      return (down ? -step : step) || i - j;
    };
    body.append(...[...rows].sort(order));
    heads.forEach((head, place) => head.setAttribute("aria-sort", place === column ? (down ? "descending" : "ascending") : "none"));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = names[column];
    head.replaceChildren(button);
    head.setAttribute("aria-sort", column === 0 ? "ascending" : "none");
    // Numbers are mostly wanted from the top; ranks and names from the start.
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      sort(column, now === "none" ? column > 1 : now === "ascending");
    });
  });

  const form = document.getElementById(table.dataset.filter);
  if (!form) continue;
  const [where, what] = form.elements, count = form.querySelector("output");
  names.forEach((name, column) => where.add(new Option(name, column)));
  const filter = () => {
    const asked = what.value.trim().toLowerCase(), column = where.value;
    const bound = column !== "" && /^(<=|>=|<|>)\s*([\d.]+)$/.exec(asked);
    let left = 0;
    for (const row of rows) {
      let keep;
      if (bound) {
        const have = value(row, column), limit = parseFloat(bound[2]);
        keep = have !== null && {"<": have < limit, ">": have > limit, "<=": have <= limit, ">=": have >= limit}[bound[1]];
      } else {
        keep = (column === "" ? row.textContent : text(row, column)).toLowerCase().includes(asked);
      }
      row.hidden = !keep;
      left += keep;
    }
    count.textContent = `${left.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  };
  where.addEventListener("input", filter);
  what.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
  filter();
}
