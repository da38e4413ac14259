// The people of a chain as chips, in the nodes that put them into a model; amber for somebody who is in no chain.

import { api } from "../../../scripts/api.js";
import { make } from "./elements.js";
import { chainOf, connect, outsideOf, photoFile } from "./graph.js";
import { addView, after, fit, hideCorePicture, madeWith, noteChange, outputOf, panel, valueOf, viewAddress, watch } from "./widget.js";

const NAME = "likeness_people";
const ROW = 52; // pixels of a chip
const MOST_ROWS = 5; // before the chips scroll
const isApplying = (node) => String(node.comfyClass ?? "").startsWith("LikenessApply");
let colours = []; // of the places in a chain, as the server has them

// What app.registerExtension takes.
export const people = {
  name: "Likeness.People",
  async setup() {
    try {
      colours = await (await api.fetchApi("/likeness/colours")).json();
    } catch {
      colours = []; // the chips are grey until a run
    }
  },
  nodeCreated(node) {
    if (isApplying(node) && node.inputs?.some((input) => input.name === "people")) new PeopleView(node).attach();
  },
  loadedGraphNode(node) {
    if (isApplying(node)) fit(node);
  },
};

class PeopleView {
  constructor(node) {
    this.node = node;
    this.output = null; // of the last run
    this.ranWith = null; // the chain then
    this.seen = "";
    this.rows = 0;
    this.chips = make("div", { class: "likeness-people", role: "list", "data-scrolls": true });
    this.say = make("div", { class: "likeness-say", role: "status" });
    this.element = panel("people", this.chips, this.say);
    this.element.hidden = true;
  }

  attach() {
    const height = () => (this.element.hidden ? 0 : 16 + ROW * Math.min(Math.max(this.rows, 1), MOST_ROWS));
    if (!addView(this.node, NAME, this.element, { minHeight: height })) return;
    after(this.node, "onExecuted", (output) => this.receive(output));
    watch(this.node, () => this.look());
  }

  receive(output) {
    if (!output?.likeness_people) return;
    this.output = output;
    this.ranWith = madeWith(output, this.chain().key);
    this.seen = "";
    this.look();
  }

  // Who the graph puts into this node, and who is in no chain.
  chain() {
    const chain = chainOf(this.node).map(describe);
    return { chain, key: JSON.stringify(chain) };
  }

  look() {
    const kept = outputOf(this.node);
    if (!this.output && kept?.likeness_people) return this.receive(kept);
    const { chain, key } = this.chain();
    const hasRun = Boolean(this.output) && key === this.ranWith;
    const outside = outsideOf();
    const seen = JSON.stringify([key, hasRun, outside.map((node) => [node.id, describe(node)]), colours.length]);
    if (seen === this.seen) return;
    this.seen = seen;
    const told = hasRun ? this.output.likeness_people : chain.map((person, place) => planned(person, place));
    const chips = [...told.map(chip), ...outside.map((node) => this.amber(node))];
    this.chips.replaceChildren(...chips);
    this.say.textContent = (hasRun && this.output.likeness_note?.[0]) || "";
    this.say.style.display = this.say.textContent ? "" : "none";
    const wasHidden = this.element.hidden;
    this.element.hidden = !chips.length;
    this.element.setAttribute("aria-label", told.length === 1 ? "1 person" : `${told.length} people`);
    if (hasRun) hideCorePicture(this.node);
    if (wasHidden !== this.element.hidden || chips.length > this.rows) {
      this.rows = chips.length;
      fit(this.node);
    }
    this.rows = chips.length;
  }

  amber(node) {
    const { name, file } = describe(node);
    const who = name || file || node.title || "somebody";
    const button = make("button", { type: "button", class: "likeness-button" }, "Connect");
    button.title = `Put ${who} behind the last person of this chain`;
    button.addEventListener("click", () => {
      if (!connect(node, this.node)) return void (this.say.textContent = `Link the people output of ${who} by hand.`);
      noteChange();
      this.look();
    });
    const text = make("span", {}, `${who} is not in the chain`);
    return make("div", { class: "likeness-person likeness-amber", role: "listitem" }, text, make("div", { class: "likeness-row" }, button));
  }
}

// What is known of a node that adds a person, before it runs.
function describe(node) {
  const file = photoFile(node, "photo")?.filename ?? "";
  const crop = outputOf(node)?.likeness_people?.[0]?.crop ?? null;
  const name = String(valueOf(node, "name", "") || "").trim();
  return { name, file, crop, strength: Number(valueOf(node, "strength", 1)), id: String(node.id) };
}

function planned(person, place) {
  const name = person.name || `person ${place + 1}`;
  const state = [person.file, person.strength === 0 ? "off" : ""].filter(Boolean).join(", ");
  return { ...person, name, number: place + 1, colour: colours[place], state, is_in: person.strength !== 0 };
}

function chip(person) {
  const name = String(person?.name ?? "");
  const crop = person?.crop
    ? make("img", { src: viewAddress(person.crop), alt: "" })
    : make("i", { "aria-hidden": "true" }, String(person?.number ?? ""));
  const state = String(person?.state ?? "");
  const title = person?.crop ? `${person.number} ${name}` : name; // else the number stands in place of the face
  const text = make("span", {}, title, make("small", {}, state));
  const element = make("div", { class: "likeness-person", role: "listitem", title: `${name}: ${state}` }, crop, text);
  if (/^#[0-9a-f]{6}$/i.test(person?.colour)) element.style.setProperty("--likeness-colour", person.colour);
  if (person?.is_in === false) element.classList.add("likeness-out");
  return element;
}
