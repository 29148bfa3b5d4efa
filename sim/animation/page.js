const scene = JSON.parse(document.getElementById("scene").textContent);
const slider = document.getElementById("at");
const play = document.getElementById("play");
const last = scene.t.length - 1;
const SECONDS = 20; // that the whole span takes to play, besides the pauses
const PAUSE_S = 2.5; // at each thing that is told
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

// A number, or a list of them, between the two frames around `at`.
function between(frames, at) {
  const i = Math.min(Math.floor(at), last);
  const j = Math.min(i + 1, last);
  const mix = (a, b) => a + (b - a) * (at - i);
  const a = frames[i];
  return Array.isArray(a) ? a.map((value, p) => mix(value, frames[j][p])) : mix(a, frames[j]);
}

function clock(seconds) {
  const s = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

function element(name, parent, text = "") {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  return made;
}

function figure(system, words) {
  const made = element("figure", document.getElementById("rows"));
  const caption = element("figcaption", made);
  element("b", caption, system);
  element("span", caption, words);
  const canvas = element("canvas", made);
  canvas.setAttribute("role", "img");
  return { canvas, caption };
}

// What a colour means.
function label(caption, name, words) {
  const made = element("span", caption);
  element("i", made).style.background = `var(--${name})`;
  made.append(words);
}

function numbers(system, group) {
  const row = element("tr", document.getElementById("numbers"));
  for (const name of [system, group]) element("th", row, name).scope = "row";
  const cells = [0, 1, 2, 3].map(() => element("td", row));
  return (...values) => values.forEach((value, i) => (cells[i].textContent = whole.format(value)));
}

const names = [...new Set(scene.logs.flatMap((log) => log.groups.map((group) => group.name)))];
const rows = [
  ...scene.queues.map((queue) => {
    const { canvas, caption } = figure(`${queue.system}: ${queue.name}`, `a queue, ${whole.format(queue.cell)} messages a cell`);
    for (const [name, words] of [["flying", "in flight"], ["ready", "ready"]]) {
      label(caption, name, words);
    }
    return { canvas, queue, height: 46, say: numbers(queue.system, queue.name) };
  }),
  ...scene.logs.map((log) => {
    const parts = log.end[0].length;
    const words = parts > 1 ? `a log of ${parts} partitions` : "a log, all partitions as one";
    const { canvas, caption } = figure(log.system, `${words}, ${whole.format(log.cell)} records a cell`);
    for (const group of log.groups) {
      label(caption, `group${names.indexOf(group.name) % 6}`, group.name);
    }
    const say = log.groups.map((group) => numbers(log.system, group.name));
    return { canvas, log, height: Math.min(Math.max(46, parts * 9), 260), say };
  }),
];

function drawQueue({ queue, say }, at, ink, width, height, colour) {
  const [gone, flying, ready] = ["gone", "flying", "ready"].map((k) => between(queue[k], at));
  const x = (messages) => (messages / queue.width) * width;
  ink.fillStyle = colour("line");
  ink.fillRect(0, height - 1, x(gone + flying + ready), 1);
  ink.fillStyle = colour("flying");
  ink.fillRect(x(gone), 0, Math.max(x(flying), flying > 0 ? 1.5 : 0), height);
  ink.fillStyle = colour("ready");
  ink.fillRect(x(gone + flying), 0, x(ready), height);
  rule(ink, x, gone, gone + flying + ready, 0, height, queue.cell, colour("rule"));
  say(ready, flying, scene.first + gone, flying + ready);
  return `${whole.format(ready)} ready, ${whole.format(flying)} in flight`;
}

function drawLog({ log, say }, at, ink, width, height, colour) {
  const [start, end] = [log.start, log.end].map((frames) => between(frames, at));
  const parts = end.length;
  const each = height / parts;
  const gap = parts > 1 && each > 3 ? 1 : 0;
  const x = (offset) => (offset / log.width) * width;
  const groups = log.groups.map((group) => ({
    committed: between(group.committed, at),
    position: between(group.position, at),
    colour: colour(`group${names.indexOf(group.name) % 6}`),
  }));
  for (let p = 0; p < parts; p++) {
    const read = Math.min(...groups.map((group) => group.committed[p]));
    const from = Math.max(start[p], 0);
    ink.fillStyle = colour("kept");
    ink.fillRect(x(from), p * each, x(Math.max(end[p] - from, 0)), each - gap);
    ink.fillStyle = colour("unread");
    ink.fillRect(x(read), p * each, x(Math.max(end[p] - read, 0)), each - gap);
    rule(ink, x, from, end[p], p * each, each - gap, log.cell, colour("rule"));
  }
  groups.forEach((group, i) => {
    ink.fillStyle = group.colour;
    const thick = 3.5 - Math.min(i, 2) * 0.75;
    for (let p = 0; p < parts; p++) {
      ink.globalAlpha = 0.45;
      ink.fillRect(x(group.position[p]), p * each, 1, each - gap);
      ink.globalAlpha = 1;
      ink.fillRect(x(group.committed[p]) - thick / 2, p * each, thick, each - gap);
    }
    const to = sum(end) - sum(group.committed);
    const hand = sum(group.position) - sum(group.committed);
    say[i](to, Math.max(hand, 0), log.before + sum(group.committed), sum(end) - sum(start));
  });
  return log.groups.map((group, i) =>
    `${group.name} ${whole.format(sum(end) - sum(groups[i].committed))} behind`).join(", ");
}

// White lines between cells, where they are far enough apart to tell cells from each other.
function rule(ink, x, from, to, top, height, cell, colour) {
  if (x(cell) < 4) return;
  ink.fillStyle = colour;
  for (let at = Math.ceil(from / cell) * cell; at < to; at += cell)
    ink.fillRect(x(at) - 0.5, top, 1, height);
}

function draw() {
  const at = position;
  const look = getComputedStyle(document.documentElement);
  const colour = (name) => look.getPropertyValue(`--${name}`);
  const ratio = window.devicePixelRatio || 1;
  for (const row of rows) {
    const width = row.canvas.clientWidth;
    row.canvas.style.height = `${row.height}px`;
    row.canvas.width = Math.round(width * ratio);
    row.canvas.height = Math.round(row.height * ratio);
    const ink = row.canvas.getContext("2d");
    ink.scale(ratio, ratio);
    const paint = row.queue ? drawQueue : drawLog;
    const words = paint(row, at, ink, width, row.height, colour);
    row.canvas.setAttribute("aria-label", words);
  }
  const now = between(scene.t, at);
  document.getElementById("time").textContent = clock(now);
  slider.setAttribute("aria-valuetext", clock(now));
  drawArrivals(at, ratio, colour);
  const past = scene.story.filter(([t]) => t <= now + 1e-6);
  const latest = past.length ? past[past.length - 1][0] : NaN;
  const lines = past.filter(([t]) => latest - t < 1).map(([, what]) => what);
  const more = lines.length > 3 ? `; and ${lines.length - 3} more` : "";
  const told = lines.length ? `${clock(latest)} ${lines.slice(0, 3).join("; ")}${more}` : "";
  const said = at >= last && scene.end ? scene.end : told;
  const status = document.getElementById("happened");
  if (status.textContent !== said) status.textContent = said;
}

// How fast messages came, up to now; ticks where something happens.
const came = scene.t.map((_, i) => Math.max(...scene.queues.map((q) => q.gone[i] + q.flying[i] + q.ready[i]),
  ...scene.logs.map((log) => sum(log.end[i]))));
const rates = came.map((all, i) => (i ? (all - came[i - 1]) / (scene.t[i] - scene.t[i - 1] || 1) : 0));
rates[0] = rates[1] ?? 0;
const fastest = Math.max(...rates, 1e-9);
function drawArrivals(at, ratio, colour) {
  const canvas = document.querySelector("#arrivals canvas");
  const width = canvas.clientWidth, height = 54;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  const span = scene.t[last] - scene.t[0] || 1;
  const x = (t) => ((t - scene.t[0]) / span) * width;
  const area = (until) => {
    ink.beginPath();
    ink.moveTo(0, height);
    for (let i = 0; i <= until; i++) ink.lineTo(x(scene.t[i]), height - (rates[i] / fastest) * (height - 6));
    ink.lineTo(x(scene.t[Math.floor(until)]), height);
    ink.fill();
  };
  ink.fillStyle = colour("kept");
  area(last);
  ink.fillStyle = colour("unread");
  area(at);
  ink.fillStyle = colour("soft");
  for (const [t] of scene.story) ink.fillRect(x(t) - 0.5, 0, 1, height);
  ink.fillStyle = colour("ink");
  ink.fillRect(x(between(scene.t, at)) - 1, 0, 2, height);
}

let position = 0;
let playing = false;
let before = 0;
let held = 0; // s that a pause still lasts

function step(time) {
  if (!playing) return;
  // The first frame may have begun before the button was pressed.
  const passed = Math.max(time - before, 0) / 1000;
  before = time;
  if (held > 0) {
    held -= passed;
    return requestAnimationFrame(step);
  }
  const now = between(scene.t, position);
  position = Math.min(position + passed * (last / SECONDS), last);
  const next = scene.story.find(([t]) => t > now + 1e-6 && t <= between(scene.t, position) + 1e-6);
  if (next) {
    const i = Math.max(scene.t.findLastIndex((t) => t <= next[0]), 0), j = Math.min(i + 1, last);
    position = i + (j > i ? (next[0] - scene.t[i]) / (scene.t[j] - scene.t[i]) : 0);
    held = PAUSE_S;
  }
  slider.value = Math.round(position);
  draw();
  if (position >= last) stop();
  else requestAnimationFrame(step);
}

function stop() {
  playing = false;
  play.textContent = "Play";
}

function start() {
  if (position >= last) position = 0;
  playing = true;
  held = 0;
  play.textContent = "Pause";
  before = performance.now();
  requestAnimationFrame(step);
}

play.addEventListener("click", () => (playing ? stop() : start()));
slider.addEventListener("input", () => {
  stop();
  position = Number(slider.value);
  draw();
});
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
// A link to a moment: animation.html#t=1500, in seconds.
const wanted = Number((location.hash.match(/^#t=([\d.]+)$/) || [])[1]);
if (wanted) position = Math.max(scene.t.findLastIndex((t) => t <= wanted), 0);
slider.value = position;
draw();
// It plays by itself, unless a moment was asked for, or motion is not wanted.
if (!wanted && !matchMedia("(prefers-reduced-motion: reduce)").matches) start();
