// How alike faces become, in Show Guidance: a curve for each person that grows while the run goes on.

import { chip, draw, frame, make } from "./elements.js";
import { onLive } from "./live.js";
import { attachView } from "./shown.js";

export const NODE = "LikenessShowGuidance";
const [WIDTH, HEIGHT] = [400, 210];
const EDGE = { left: 44, right: 10, top: 10, bottom: 28 };
const TICKS = 4;

export function nodeCreated(node) {
  const view = new CurveView();
  attachView(node, {
    name: "likeness_guidance",
    element: view.element,
    show: (output) => view.show(output.likeness_guidance[0]),
  });
  onLive(node, (kind, told) => kind === "guidance" && attachView.live(node, () => view.show(told)));
}

class CurveView {
  constructor() {
    this.told = null;
    this.hidden = new Set();
    this.step = null; // the one whose values are read; null reads the last
    this.plot = draw("svg", {
      class: "likeness-stage likeness-plot",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      tabindex: 0,
    });
    this.chips = make("div", { class: "likeness-row" });
    this.note = make("span", { class: "likeness-note", role: "status" });
    this.element = frame("how alike faces became", this.plot, this.chips, this.note);
    this.plot.addEventListener("pointermove", (event) => this.read(this.stepAt(event)));
    this.plot.addEventListener("pointerleave", () => this.read(null));
    this.plot.addEventListener("keydown", (event) => this.walk(event));
  }

  // Show what was told: {steps, people: [{name, colour, points: [[step, noise level, similarity or null], …]}], skipped}.
  show(told) {
    if (!Array.isArray(told?.people)) return;
    this.told = told;
    this.curves = told.people.map((person) => new Map((person.points ?? []).map((point) => [point[0], point])));
    this.guided = [...new Set(this.curves.flatMap((curve) => [...curve.keys()]))].sort((one, other) => one - other);
    const known = this.curves.flatMap((curve) => [...curve.values()].map((point) => point[2]).filter(Number.isFinite));
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const room = Math.max((high - low) * 0.1, 0.005);
    [this.low, this.high] = [Math.max(low - room, 0), Math.min(high + room, 1)];
    this.render();
  }

  render() {
    const names = this.told.people.map((person) => person.name).join(", ");
    const title = `similarity by step: ${names || "nobody"}`;
    this.plot.setAttribute("aria-label", title);
    this.cursor = draw("line", { y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: "hidden" });
    this.plot.replaceChildren(draw("title", {}, title), ...this.axes(), ...this.told.people.map((_, at) => this.curve(at)));
    this.plot.append(this.cursor);
    this.offerPeople();
    this.read(this.step);
  }

  axes() {
    const parts = [];
    for (let tick = 0; tick <= TICKS; tick += 1) {
      const value = this.low + ((this.high - this.low) * tick) / TICKS;
      const y = this.y(value);
      parts.push(draw("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y, y2: y }));
      parts.push(draw("text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, value.toFixed(3)));
    }
    const steps = Math.max(this.told.steps, 1);
    const every = Math.max(1, Math.ceil(steps / 8));
    for (let step = 1; step <= steps; step += every) {
      const at = { x: this.x(step), y: HEIGHT - EDGE.bottom + 14, "text-anchor": "middle" };
      parts.push(draw("text", at, String(step)));
    }
    parts.push(draw("text", { x: WIDTH - EDGE.right, y: HEIGHT - 2, "text-anchor": "end" }, "step"));
    return parts;
  }

  // One person's curve; where a guided step gave nothing there is a gap.
  curve(at) {
    const { name, colour } = this.told.people[at];
    const safe = /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#888888";
    const group = draw("g", { visibility: this.hidden.has(at) ? "hidden" : "visible" }, draw("title", {}, name));
    for (const piece of pieces(this.curves[at], this.guided)) {
      const points = piece.map(([step, , value]) => `${this.x(step).toFixed(1)},${this.y(value).toFixed(1)}`);
      group.append(draw("polyline", { points: points.join(" "), stroke: safe }));
      const [last] = piece.slice(-1);
      group.append(draw("circle", { cx: this.x(last[0]), cy: this.y(last[2]), r: 3, fill: safe }));
    }
    return group;
  }

  offerPeople() {
    this.chips.replaceChildren(
      ...this.told.people.map((person, at) =>
        chip(person, person.name, !this.hidden.has(at), () => {
          if (!this.hidden.delete(at)) this.hidden.add(at);
          this.render();
          this.chips.children[at]?.focus();
        }),
      ),
    );
  }

  // Write the values of a step, of the last one for null, and mark where it is.
  read(step) {
    this.step = step;
    const read = step ?? this.guided?.at(-1);
    if (read === undefined) return;
    const texts = this.told.people.map((person, at) => {
      const value = this.curves[at].get(read)?.[2];
      return `${person.name} ${Number.isFinite(value) ? value.toFixed(3) : "–"}`;
    });
    const sigma = this.curves.map((curve) => curve.get(read)?.[1]).find(Number.isFinite);
    const level = sigma === undefined ? "" : ` (noise level ${sigma.toFixed(2)})`;
    const skipped = this.told.skipped ? `; ${this.told.skipped} skipped, not finite` : "";
    this.note.textContent = `step ${read} of ${this.told.steps}${level}: ${texts.join(", ")}${skipped}`;
    this.note.title = this.note.textContent;
    this.cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
    this.cursor.setAttribute("x1", this.x(read));
    this.cursor.setAttribute("x2", this.x(read));
  }

  walk(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.guided?.length) return;
    event.preventDefault();
    const at = this.step === null ? this.guided.length : this.guided.indexOf(this.step);
    this.read(this.guided[Math.min(Math.max(at + by, 0), this.guided.length - 1)]);
  }

  // The guided step that is nearest to the pointer.
  stepAt(event) {
    const place = this.plot.getScreenCTM()?.inverse();
    if (!place || !this.guided?.length) return null;
    const { x } = new DOMPoint(event.clientX, event.clientY).matrixTransform(place);
    return this.guided.reduce((best, step) => (Math.abs(this.x(step) - x) < Math.abs(this.x(best) - x) ? step : best));
  }

  x(step) {
    const room = WIDTH - EDGE.left - EDGE.right - 12;
    return EDGE.left + 6 + (room * (step - 1)) / Math.max(this.told.steps - 1, 1);
  }

  y(value) {
    const room = HEIGHT - EDGE.top - EDGE.bottom;
    return EDGE.top + (room * (this.high - value)) / (this.high - this.low || 1);
  }
}

// The points of a curve in pieces without a gap: in each, every guided step has a value.
function pieces(curve, guided) {
  const found = [[]];
  for (const step of guided) {
    const point = curve.get(step);
    if (Number.isFinite(point?.[2])) found.at(-1).push(point);
    else if (found.at(-1).length) found.push([]);
  }
  return found.filter((piece) => piece.length);
}
