/** One line of a plot. */
export interface PlotLine {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Whether each step to the right means ten times as many. */
  readonly isLogarithmic: boolean;
  readonly lines: readonly PlotLine[];
}

const width = 700;
const height = 380;
const area = { left: 80, right: 670, top: 60, bottom: 310 };
const colors = ["#1f5fa8", "#c2571a"];
const maxGridLines = 6;
const niceSteps = [1, 2, 2.5, 5, 10];

/** Draws values from zero on over their x, with axes, labels and, where there are several lines, a legend. */
export function drawPlot(plot: Plot): string {
  const points = plot.lines.flatMap((line) => line.points);
  const ticks = [...new Set(points.map(([x]) => x))].toSorted((a, b) => a - b);
  const highest = Math.max(0, ...points.map(([, y]) => y));
  const step = niceStep(highest);
  const gridLines = Math.max(1, Math.ceil(highest / step));
  const toX = horizontal(ticks, plot.isLogarithmic);
  const toY = (y: number): number => area.bottom - (y / (gridLines * step)) * (area.bottom - area.top);
  const grid = Array.from({ length: gridLines + 1 }, (_, index) => index * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif" font-size="14" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(width / 2, 26, plot.title, `text-anchor="middle" font-size="16" font-weight="600"`),
    ...grid.map((y) => gridLine(toY(y), number(y))),
    ...ticks.map((x) => text(toX(x), area.bottom + 22, number(x), `text-anchor="middle"`)),
    text((area.left + area.right) / 2, height - 16, plot.xLabel, `text-anchor="middle"`),
    text(
      0,
      0,
      plot.yLabel,
      `text-anchor="middle" transform="translate(20 ${(area.top + area.bottom) / 2}) rotate(-90)"`,
    ),
    ...plot.lines.map((line, index) => polyline(line, toX, toY, colorOf(index))),
    ...(plot.lines.length > 1 ? plot.lines.map((line, index) => legend(line.label, index)) : []),
    "</svg>",
    "",
  ].join("\n");
}

function horizontal(ticks: readonly number[], isLogarithmic: boolean): (x: number) => number {
  const scale = isLogarithmic ? Math.log10 : (x: number): number => x;
  const first = scale(ticks[0] ?? 0);
  const span = scale(ticks.at(-1) ?? 1) - first || 1;
  const margin = 30;
  return (x) => area.left + margin + ((scale(x) - first) / span) * (area.right - area.left - 2 * margin);
}

function gridLine(y: number, label: string): string {
  const line = `<line x1="${area.left}" x2="${area.right}" y1="${round(y)}" y2="${round(y)}" stroke="#ddd"/>`;
  return line + text(area.left - 10, y + 5, label, `text-anchor="end"`);
}

function polyline(line: PlotLine, toX: (x: number) => number, toY: (y: number) => number, color: string): string {
  const points = line.points.map(([x, y]) => [round(toX(x)), round(toY(y))] as const);
  const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="4" fill="${color}"/>`);
  const path = points.map((point) => point.join(",")).join(" ");
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2.5"/>${dots.join("")}`;
}

function legend(label: string, index: number): string {
  const x = area.left + 20 + index * 160;
  return `<circle cx="${x}" cy="45" r="5" fill="${colorOf(index)}"/>${text(x + 12, 50, label, "")}`;
}

function colorOf(index: number): string {
  return colors[index % colors.length] ?? "#222";
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

/** The smallest round step that makes no more lines than can be read. */
function niceStep(highest: number): number {
  const rough = highest / maxGridLines || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return (niceSteps.find((step) => step * power >= rough) ?? 10) * power;
}

function number(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString("en");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
