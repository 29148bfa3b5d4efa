// Sliders over runs that were made before: a position of each is one of them.
const DATA = JSON.parse(document.getElementById("data").textContent);
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const shape = DATA.knobs.map((knob) => knob.says.length);
const place = (at) => at.reduce((sum, position, k) => sum * shape[k] + position, 0);
const number = (value) => (value === "inf" ? Infinity : value);
const ROUND = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
  900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];
const SECONDS = new Set(["latency_p99_s", "max_time_lag_s", "drain_s"]);
const HEADS = {
  latency_p99_s: "p99", drain_s: "time to drain", lost: "lost", dead_lettered: "dead-lettered",
  unfinished: "unfinished", double_effects: "duplicates applied", violations: "out of order",
  max_lag: "lag or depth", max_time_lag_s: "age of oldest",
};
const words = (name, value) => {
  if (value === null) return "n/a";
  if (value === "inf") return name === "drain_s" ? "never" : "forever";
  return SECONDS.has(name) ? SAY.duration(value) : SAY.count(value);
};
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const groups = [...new Set(DATA.runs.flatMap((run) => run.rows.map((row) => row[1])))];
const systems = [...new Set(DATA.runs[0].rows.map((row) => row[0]))];
const colourOf = (group) => PALETTE[groups.indexOf(group) % PALETTE.length];

// The address: #0.1.2.0 are the positions, in the order of the sliders.
const fromAddress = () => {
  const given = location.hash.slice(1).split(".").map(Number);
  const fits = given.length === shape.length &&
    given.every((at, k) => Number.isInteger(at) && at >= 0 && at < shape[k]);
  return fits ? given : [...DATA.at];
};
let at = fromAddress();

const outputs = DATA.knobs.map((knob, k) => {
  const output = element("output");
  const input = element("input", { type: "range", min: 0, max: shape[k] - 1, step: 1, value: at[k], id: `knob${k}` });
  output.htmlFor = input.id;
  input.addEventListener("input", () => {
    at[k] = Number(input.value);
    history.replaceState(null, "", `#${at.join(".")}`);
    show();
  });
  const label = element("label", { htmlFor: input.id }, knob.name);
  document.getElementById("knobs").append(element("div", {}, label, input, output));
  return [input, output];
});
addEventListener("hashchange", () => { at = fromAddress(); show(); });

const ink = () => getComputedStyle(document.body).getPropertyValue("--ink");
const line = () => getComputedStyle(document.body).getPropertyValue("--line");
let drawn = [];
function charts(run, id, key, say, incrs) {
  const holder = document.getElementById(id);
  const top = Math.max(1, ...run[key].flat().filter((value) => typeof value === "number"));
  const end = Math.max(...run.t);
  const look = { stroke: ink(), grid: { stroke: line(), width: 1 }, ticks: { stroke: line(), width: 1 } };
  holder.replaceChildren();
  for (const system of systems) {
    const mine = run.rows.map((row, i) => [row[1], i]).filter(([, i]) => run.rows[i][0] === system);
    const box = element("div", {}, element("h3", {}, system));
    holder.append(box);
    drawn.push(new uPlot({
      width: Math.max(240, box.clientWidth), height: 190,
      scales: { x: { time: false, range: [0, end] }, y: { range: [0, top * 1.05] } },
      axes: [
        { ...look, values: (_, all) => all.map((s) => SAY.clock(s)), space: 60, incrs: ROUND },
        { ...look, size: 90, values: (_, all) => all.map(say), ...incrs },
      ],
      series: [
        { label: "time", value: (_, s) => (s === null ? "" : SAY.clock(s)) },
        ...mine.map(([group], i) => ({
          label: group, stroke: colourOf(group), width: Math.max(2.4 - 0.5 * i, 1), spanGaps: true,
          value: (_, y) => (y === null || y === undefined ? "" : say(y)),
        })),
      ],
    }, [run.t, ...mine.map(([, i]) => run[key][i].map(number))], box));
  }
}

function table(run) {
  const cell = (text, name = "td", scope = null) => {
    const made = element(name, {}, text);
    if (scope) made.scope = scope;
    return made;
  };
  // A bill that no slider changes is said once, below: in each row it would look as if it moved.
  const billed = new Set(DATA.runs.flatMap((its) => Object.entries(its.usd).map(String)));
  const varies = billed.size > Object.keys(run.usd).length;
  const usd = (system) => (run.usd[system] === null ? "n/a" : SAY.count(run.usd[system]));
  const heads = ["system", "group", ...DATA.numbers.map((name) => HEADS[name]),
    ...(varies ? ["USD a month"] : [])];
  const head = element("thead", {}, element("tr", {}, ...heads.map((text) => cell(text, "th", "col"))));
  const rows = run.rows.map(([system, group, ...values]) => element("tr", {},
    cell(system, "th", "row"), cell(group, "th", "row"),
    ...values.map((value, i) => cell(words(DATA.numbers[i], value))),
    ...(varies ? [cell(usd(system))] : [])));
  document.getElementById("table").replaceChildren(head, element("tbody", {}, ...rows));
  document.getElementById("bill").textContent = varies ? ""
    : `At every position, USD a month: ${Object.keys(run.usd).map((its) => `${its} ${usd(its)}`).join(", ")}.`;
}

function show() {
  const run = DATA.runs[place(at)];
  outputs.forEach(([input, output], k) => {
    input.value = at[k];
    output.textContent = DATA.knobs[k].says[at[k]];
    input.setAttribute("aria-valuetext", output.textContent);
  });
  document.getElementById("title").textContent = run.title;
  const itself = place(at) === place(DATA.at);
  document.getElementById("same").textContent = itself ? "The scenario as it stands." : "";
  drawn.forEach((chart) => chart.destroy());
  drawn = [];
  charts(run, "lag", "lag", SAY.count, {});
  charts(run, "age", "age", SAY.duration, { incrs: ROUND });
  table(run);
  const sets = DATA.knobs.flatMap((knob, k) => at[k] === DATA.at[k] ? []
    : Object.entries(knob.sets).map(([path, values]) => ` \\\n  --set '${path}=${values[at[k]]}'`));
  document.getElementById("command").textContent = DATA.command + sets.join("");
}
show();
let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; show(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
