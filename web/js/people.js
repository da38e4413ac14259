// Chips in every Apply node: who is in its chain, in which colour, how each is placed after a run; amber is who was forgotten.

import { applies, colourOf, connect, looseBeside, peopleOf } from "./chain.js";
import { frame, make } from "./elements.js";
import { sourceOf } from "./graph.js";
import { styleOfPicker } from "./picker_style.js";
import { attachView } from "./shown.js";
import { lookAt, watch } from "./watch.js";

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
      this.run = { sent: output.likeness_people, chain: JSON.stringify(this.chain.map((each) => each.name)) };
    }
    this.render();
  }

  // Those of the last run, as long as the chain is the same; else those that the links lead to.
  get shown() {
    const chain = this.chain;
    const isSame = this.run && this.run.chain === JSON.stringify(chain.map((each) => each.name));
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
