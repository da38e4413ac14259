// Who is in a chain of people, read from the links; chips in every Apply node: who is there, in which colour, how each is placed after
// a run; amber is who was forgotten.

import { app } from "../../../scripts/app.js";
import { frame, make } from "./elements.js";
import { isActive, isLinked, keepStep, slotOf, sourceOf, targetsOf, valueOf } from "./graph.js";
import { styleOfPicker } from "./picker_elements.js";
import { attachView, isFresh, lookAt, watch } from "./shown.js";

const PEOPLE = "LIKENESS_PEOPLE";
const ADDS = new Set(["LikenessAddPerson", "LikenessLoadIdentityCard"]);
const MOST = 200; // nodes of a chain
const [GOLDEN_ANGLE, FIRST_HUE, SATURATION, VALUE] = [0.381966, 0.58, 0.65, 0.95]; // those of models/records/legend.py
const ROW = 28; // pixels
const LETTERS = 7;
const COLOUR = /^#[0-9a-f]{6}$/i;

export const people = {
  name: "Likeness.People",
  nodeCreated(node) {
    if (!applies(node)) return;
    const chips = new Chips(node);
    attachView(node, {
      name: "likeness_people",
      element: chips.element,
      show: (output) => chips.receive(output),
      replaces: null,
      height: () => chips.height,
    });
    watch(node, () => chips.state(), () => chips.render());
  },
};

class Chips {
  constructor(node) {
    styleOfPicker();
    this.node = node;
    this.run = null; // what the last run sent, and who was in the chain
    this.row = make("div", { class: "likeness-row" });
    this.element = frame("people", this.row);
  }

  get chain() {
    return peopleOf(sourceOf(this.node, "people")?.node);
  }

  state() {
    const told = (each) => [each.node.id, each.name];
    return JSON.stringify([this.chain.map(told), looseBeside(this.node).map(told), Math.round(this.node.size[0] / 20)]);
  }

  receive(output) {
    if (this.run?.sent !== output.likeness_people) {
      this.run = { sent: output.likeness_people, chain: JSON.stringify(this.chain.map((each) => each.name)), isFresh: false };
    }
    setTimeout(() => {
      this.run.isFresh ||= isFresh(this.run.sent);
      this.render();
    });
  }

  // Those of the last run, as long as the chain is the same; else those that the links lead to.
  get shown() {
    const chain = this.chain;
    const isSame = this.run?.isFresh && this.run.chain === JSON.stringify(chain.map((each) => each.name));
    if (isSame) return this.run.sent.map((each) => ({ ...each, name: String(each?.name), state: String(each?.state ?? "") }));
    return chain.map(({ name }, place) => ({ name, colour: colourOf(place), state: "", is_in: true }));
  }

  get height() {
    let [rows, left] = [1, 0];
    const width = Math.max(60, this.node.size[0] - 30);
    for (const chip of this.row.children) {
      const wide = Math.min(width, 30 + LETTERS * Math.min(chip.textContent.length, 46));
      if (left && left + wide > width) [rows, left] = [rows + 1, 0];
      left += wide;
    }
    return ROW * rows + 6;
  }

  render() {
    const [shown, loose] = [this.shown, looseBeside(this.node)];
    if (!shown.length && !loose.length) {
      this.row.replaceChildren();
      return attachView.away(this.node);
    }
    this.row.replaceChildren(...shown.map(chipOf), ...loose.map((each) => this.amber(each)));
    attachView.live(this.node, () => {});
  }

  amber({ node, name }) {
    const text = `${name} is not in the chain`;
    const button = make("button", { type: "button", class: "likeness-chip", "aria-label": `connect ${name}` }, "connect");
    button.addEventListener("click", () => {
      connect(node, this.node);
      lookAt(this.node);
    });
    return make("span", { class: "likeness-chip likeness-amber", role: "alert", title: text }, make("span", {}, text), button);
  }
}

function chipOf({ name, colour, state, is_in: isIn }) {
  const text = state ? `${name}: ${state}` : name;
  const dot = make("span", { class: "likeness-dot" });
  dot.style.background = COLOUR.test(colour) ? colour : "#888888";
  return make("span", { class: `likeness-chip likeness-person${isIn ? "" : " likeness-out"}`, title: text }, dot, make("span", {}, text));
}

// The colour of the person at a place in the chain, from 0, #rrggbb.
export function colourOf(place) {
  const hue = (FIRST_HUE + place * GOLDEN_ANGLE) % 1;
  const part = (offset) => {
    const turn = (offset + hue * 6) % 6;
    return VALUE - VALUE * SATURATION * Math.max(0, Math.min(turn, 4 - turn, 1));
  };
  return `#${[part(5), part(3), part(1)].map((each) => Math.round(255 * each).toString(16).padStart(2, "0")).join("")}`;
}

export const adds = (node) => ADDS.has(node.comfyClass);

// Whether a node puts people into a MODEL.
export function applies(node) {
  const takes = node.inputs?.some((input) => input.name === "people" && input.type === PEOPLE);
  return Boolean(takes && /^LikenessApply/.test(node.comfyClass ?? "") && node.outputs?.some((output) => output.type === "MODEL"));
}

// The place of a person in their chain, from 0.
export const placeOf = (node) => (node.comfyClass === "LikenessAddPerson" ? before(node).length : 0);

const before = (node) => peopleOf(sourceOf(node, "people")?.node);

// Everybody in the chain that a node hands on: {node, name}, in order.
export function peopleOf(node, depth = 0) {
  if (!node || depth > MOST) return [];
  const earlier = peopleOf(sourceOf(node, "people")?.node, depth + 1);
  if (adds(node)) return isActive(node) ? [...earlier, { node, name: nameOf(node, earlier.length) }] : earlier;
  if (node.comfyClass === "LikenessPickPerson") return earlier.slice(Number(valueOf(node, "number")) - 1, Number(valueOf(node, "number")));
  if (node.comfyClass === "LikenessMergePeople") return earlier.length ? [{ node, name: nameOf(node, 0, earlier[0].name) }] : [];
  return earlier;
}

function nameOf(node, place, otherwise = `person ${place + 1}`) {
  const name = isLinked(node, "name") ? "" : String(valueOf(node, "name") ?? "").trim();
  const card = String(valueOf(node, "card") ?? "").split("/").pop().replace(/\.safetensors$/, "");
  return name || card || otherwise;
}

// The people of a node's graph who lead to no Apply node: {node, name}.
export function looseBeside(node) {
  return (node.graph?._nodes ?? [])
    .filter((each) => adds(each) && isActive(each) && !leads(each))
    .map((each) => ({ node: each, name: String(valueOf(each, "name") ?? "").trim() || String(each.title || "somebody") }));
}

function leads(node, seen = new Set()) {
  if (seen.has(node)) return false;
  seen.add(node);
  if (applies(node)) return true;
  const slots = (node.outputs ?? []).flatMap((output, slot) => (output.type === PEOPLE ? [slot] : []));
  return slots.some((slot) => targetsOf(node, slot).some((target) => leads(target, seen)));
}

// Put somebody who is loose, with those linked to them, behind the last person of an Apply node's chain; one step of undo.
export function connect(loose, apply) {
  const last = originOf(apply);
  const end = ends(loose);
  const head = heads(loose, last);
  if (last && head !== null) link(last, head);
  link(end, apply);
  app.graph.setDirtyCanvas(true, true);
  keepStep();
}

// The node that is linked to "people" directly, as the graph of this very node has it.
function originOf(node) {
  const id = node.inputs?.[slotOf(node, "people")]?.link;
  const found = id == null ? null : (node.graph.links?.get?.(id) ?? node.graph.links?.[id]);
  return found ? node.graph.getNodeById(found.origin_id) : null;
}

function ends(node) {
  const seen = new Set();
  let end = node;
  for (;;) {
    seen.add(end);
    const next = targetsOf(end).find((target) => adds(target) && !seen.has(target) && originOf(target) === end);
    if (!next) return end;
    end = next;
  }
}

// The first of those before a loose person; null where the chain itself leads there already.
function heads(node, last) {
  const seen = new Set();
  let head = node;
  while (!seen.has(head)) {
    seen.add(head);
    const origin = originOf(head);
    if (origin === last && last) return null;
    if (!origin || !adds(origin) || leads(origin)) return head;
    head = origin;
  }
  return head;
}

function link(from, to) {
  const slot = (from.outputs ?? []).findIndex((output) => output.type === PEOPLE || output.type === "*");
  from.connect(slot, to, slotOf(to, "people"));
}
