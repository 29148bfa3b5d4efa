// Sorts a table by the column whose heading is pressed: numbers from the highest, words from A.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent;
  };
  const compare = (a, b) =>
    typeof a === "string"
      ? a.localeCompare(b)
      : Number.isNaN(a) - Number.isNaN(b) || (a > b) - (a < b);
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const rows = [...body.rows];
      const words = rows.some((row) => !("v" in row.cells[column].dataset));
      const before = heading.getAttribute("aria-sort");
      const up = before === "none" ? words : before === "descending";
      rows.sort((a, b) => compare(value(a, column), value(b, column)) * (up ? 1 : -1));
      body.append(...rows);
      headings.forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    });
  });
}
// What is folded away is wanted on paper.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not(.numbers)").forEach((details) => (details.open = true));
});
