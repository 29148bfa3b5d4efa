// What a chart says under the pointer, enlarged and as a table. Its numbers stand beside it as JSON;
// without this script the pictures are as they are on paper.
const heightOf = {
  linear: (y) => y,
  log: (y) => Math.log10(y),
  symlog: (y, { threshold, linscale }) => {
    const near = linscale / (1 - 0.1), size = Math.abs(y);
    if (size <= threshold) return y * near;
    return Math.sign(y) * threshold * (near + Math.log10(size / threshold));
  },
};
const between = (value, [low, high], scale = "linear", how) => {
  const to = (y) => heightOf[scale](y, how);
  return (to(value) - to(low)) / (to(high) - to(low));
};
const nearest = (xs, x) => {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle; else high = middle;
  }
  return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
};
const inside = (xs, x) => x >= xs[0] - 1e-9 && x <= xs[xs.length - 1] + 1e-9;
const sayX = (plot, x) => SAY[plot.x.kind](x * plot.x.unit);
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const drawn = (name, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const colourOf = (line) => `var(--c-${line.colour.slice(1)})`;

// Under the pointer: the time, and the value of each line there.
const tip = element("div", { className: "tip", hidden: true });
document.body.append(tip);
function follow(panel, plots) {
  const svg = panel.querySelector("svg");
  const { width, height } = svg.viewBox.baseVal;
  const marks = drawn("g", { "pointer-events": "none" });
  svg.append(marks);
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) * width) / box.width;
    const y = ((event.clientY - box.top) * height) / box.height;
    const plot = plots.find(({ box: [x0, y0, x1, y1] }) => x >= x0 && x <= x1 && y >= y0 && y <= y1);
    return [plot, x];
  };
  const leave = () => { tip.hidden = true; marks.replaceChildren(); };
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    const [plot, across] = at(event);
    if (!plot) return leave();
    const [x0, y0, x1, y1] = plot.box, [low, high] = plot.x.range;
    const x = low + ((across - x0) / (x1 - x0)) * (high - low);
    const there = plot.lines.filter((line) => inside(line.x, x))
      .map((line) => [line, nearest(line.x, x)]).filter(([line, i]) => line.y[i] !== null);
    marks.replaceChildren(
      drawn("line", { x1: across, x2: across, y1: y0, y2: y1, stroke: "var(--soft)", "stroke-width": 0.75 }),
      ...there.map(([line, i]) => drawn("circle", {
        cx: x0 + between(line.x[i], plot.x.range) * (x1 - x0), r: 3, fill: colourOf(line),
        cy: y1 - between(line.y[i], plot.y.range, plot.y.scale, plot.y) * (y1 - y0),
      })),
    );
    const rows = there.map(([line, i]) => element("div", {},
      element("i", { style: `background:${colourOf(line)}` }),
      `${line.name}: ${SAY[plot.y.kind](line.y[i])}`));
    tip.replaceChildren(element("b", {}, `${plot.title}, ${sayX(plot, x)}`), ...rows);
    tip.hidden = false;
    const right = event.clientX + 16 + tip.offsetWidth > document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, right ? event.clientX - 16 - tip.offsetWidth : event.clientX + 16)}px`;
    tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 8)}px`;
  });
  svg.addEventListener("click", (event) => { const [plot] = at(event); if (plot) enlarge(plot); });
}

// Enlarged, where a stretch of time can be chosen.
const dialog = element("dialog", { className: "enlarged" });
document.body.append(dialog);
let enlarged = null;
dialog.addEventListener("close", () => { enlarged?.destroy(); enlarged = null; });
function enlarge(plot) {
  const ink = getComputedStyle(document.body).getPropertyValue("--ink");
  const grid = getComputedStyle(document.body).getPropertyValue("--line");
  const look = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", () => dialog.close());
  const place = element("div");
  const hint = "Drag across a stretch to see it alone; press twice to see all again.";
  dialog.replaceChildren(element("h3", {}, [plot.title, plot.y.name].filter(Boolean).join(": ")), place, element("p", {}, hint), close);
  dialog.showModal();
  const say = SAY[plot.y.kind];
  const value = (_, y) => (y === null || y === undefined ? "" : say(y));
  const scale = { linear: { distr: 1 }, log: { distr: 3 }, symlog: { distr: 4, asinh: plot.y.threshold } };
  enlarged = new uPlot({
    width: Math.min(1100, document.documentElement.clientWidth - 48),
    height: Math.min(520, window.innerHeight - 220),
    scales: { x: { time: false }, y: { ...scale[plot.y.scale] } },
    axes: [
      { ...look, values: (_, all) => all.map((x) => sayX(plot, x)) },
      { ...look, size: 80, values: (_, all) => all.map((y) => (y === null ? "" : say(y))) },
    ],
    series: [
      { label: plot.x.kind === "share" ? "share" : "time", value: (_, x) => (x === null ? "" : sayX(plot, x)) },
      ...plot.lines.map((line) => ({
        label: line.name, width: 2, value, spanGaps: true,
        stroke: getComputedStyle(document.body).getPropertyValue(`--c-${line.colour.slice(1)}`) || line.colour,
      })),
    ],
  }, uPlot.join(plot.lines.map((line) => [line.x, line.y])), place);
}

// As a table: thirty times, evenly apart, or the usual shares; at each the sample nearest to it.
const SHARES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999].map((share) => -Math.log10(1 - share));
const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200];
function moments(plot) {
  if (plot.x.kind === "share") return SHARES;
  const end = plot.x.range[1] * plot.x.unit;
  const step = STEPS.find((step) => end / step <= 30) ?? 86400 * Math.ceil(end / 86400 / 30);
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => (i * step) / plot.x.unit);
}
function table(plots) {
  const lines = plots.flatMap((plot) => plot.lines.map((line) => [plot, line]));
  const cell = (text, name = "td") => element(name, {}, text);
  const head = element("tr", {}, cell(plots[0].x.kind === "share" ? "share" : "time", "th"),
    ...lines.map(([plot, line]) => cell(plots.length > 1 ? `${plot.title} ${line.name}` : line.name, "th")));
  const rows = moments(plots[0]).map((x) => element("tr", {}, cell(sayX(plots[0], x), "th"),
    ...lines.map(([plot, line]) => {
      const y = inside(line.x, x) ? line.y[nearest(line.x, x)] : null;
      return cell(y === null ? "" : SAY[plot.y.kind](y));
    })));
  const body = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { className: "scroll", tabIndex: 0 }, body);
}

for (const figure of document.querySelectorAll("figure")) {
  const all = [];
  for (const panel of figure.querySelectorAll(".panel, .wide")) {
    const json = panel.querySelector("script");
    if (!json) continue;
    const plots = JSON.parse(json.textContent);
    follow(panel, plots);
    all.push(...plots);
  }
  if (!all.length || figure.id === "chart-overview") continue;
  const details = element("details", { className: "numbers" }, element("summary", {}, "The numbers"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(table(all));
  });
  const larger = element("p", { className: "larger" }, ...all.flatMap((plot) => {
    const button = element("button", { type: "button" }, all.length > 1 ? `Enlarge ${plot.title}` : "Enlarge");
    button.addEventListener("click", () => enlarge(plot));
    return [button, " "];
  }));
  figure.append(larger, details);
}
