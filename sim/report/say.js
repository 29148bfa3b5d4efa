// Numbers are said as sim/foundation/text.py says them.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const digits = (value, n) => {
  const decimals = value ? Math.max(n - 1 - Math.floor(Math.log10(Math.abs(value))), 0) : 0;
  return Number(value.toFixed(decimals)).toLocaleString("en-US", { maximumFractionDigits: decimals });
};
const whole = (value) => Math.round(value).toLocaleString("en-US");
const twoUnits = (s) => {
  const step = s < 600 ? 1 : s < 172800 ? 60 : 3600;
  let rest = Math.round(s / step) * step;
  const words = [];
  for (const [size, unit] of UNITS) {
    if (size === 86400 && rest < 172800) continue;
    const amount = Math.floor(rest / size);
    if (amount) words.push(`${whole(amount)} ${unit}`);
    rest -= amount * size;
  }
  return words.join(" ");
};
const SAY = {
  count: (value) =>
    Math.abs(value) < 1e6 ? whole(value)
      : Math.abs(value) < 999.5e6 ? `${digits(value / 1e6, 3)} M` : `${digits(value / 1e9, 3)} bn`,
  rate: (value) => `${Math.abs(value) >= 100 ? SAY.count(value) : digits(value, 3)} msg/s`,
  duration: (s) => {
    if (s <= 0) return "0 s";
    if (s < 0.0995e-3) return `${digits(s * 1e6, 2)} µs`;
    if (s < 0.9995) return `${digits(s * 1e3, 2)} ms`;
    return s < 59.5 ? `${digits(s, 2)} s` : twoUnits(s);
  },
  clock: (s) => {
    const all = Math.round(s), hours = Math.floor(all / 3600);
    const two = (value) => String(value).padStart(2, "0");
    const minutes = Math.floor(all / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
  },
  share: (x) => `${digits(100 * (1 - 10 ** -x), 6)} %`,
};
