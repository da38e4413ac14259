// Who stands where, in Show Routing Map: live over the sampler's preview, afterwards over the picture, step by step and layer by layer.

import { chip, frame, make } from "./elements.js";
import { onLive, previewOf } from "./live.js";
import { drawMap, sharesOf, unpack } from "./routing_maps.js";
import { attachView } from "./shown.js";
import { valueOf } from "./graph.js";
import { viewAddress } from "./widget.js";

const NODE = "LikenessShowRoutingMap";
const KINDS = [
  ["whole", "whole run"],
  ["steps", "steps"],
  ["layers", "layers"],
];

// What app.registerExtension takes.
export const routing = { name: "Likeness.Routing", nodeCreated };

function nodeCreated(node) {
  if (node.comfyClass !== NODE) return;
  const view = new RoutingView();
  attachView(node, {
    name: "likeness_routing",
    element: view.element,
    show: (output) => view.showRun(output),
    replaces: () => (valueOf(node, "view") ?? "whole run") === "whole run",
  });
  onLive(node, (kind, told) => kind === "routing" && attachView.live(node, () => view.showStep(told)));
}

class RoutingView {
  constructor() {
    this.pictures = []; // of a finished run, as they were sent
    this.addresses = []; // of these pictures
    this.live = null;
    this.hidden = new Set();
    this.grounds = new Map();
    this.canvas = make("canvas", { class: "likeness-stage", role: "img" });
    this.chips = make("div", { class: "likeness-row" });
    this.picture = make("select", { "aria-label": "picture of the batch" });
    this.kind = make("select", { "aria-label": "what is shown" });
    for (const [value, text] of KINDS) this.kind.append(make("option", { value }, text));
    this.part = make("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "step or layer" });
    this.opacity = make("input", { type: "range", min: 0, max: 100, value: 70, "aria-label": "opacity", title: "opacity" });
    this.note = make("span", { class: "likeness-note", role: "status" });
    this.choice = make("div", { class: "likeness-row" }, this.picture, this.kind, this.part);
    const strength = make("label", { class: "likeness-row" }, "colours", this.opacity);
    strength.style.flex = "1 1 90px";
    this.below = make("div", { class: "likeness-row" }, strength, this.note);
    this.element = frame("who stands where", this.canvas, this.chips, this.choice, this.below);
    for (const input of [this.picture, this.kind]) input.addEventListener("change", () => this.render(input === this.kind));
    for (const input of [this.part, this.opacity]) input.addEventListener("input", () => this.render());
  }

  // Show a finished run: what the node sent when it was executed.
  showRun(output) {
    this.pictures = output.likeness_routing ?? [];
    this.addresses = (output.likeness_pictures ?? []).map(viewAddress);
    if (!this.addresses.length && this.live) this.addresses = [this.live.kept]; // the sampler's last preview
    this.live = null;
    const before = this.picture.selectedIndex;
    this.picture.replaceChildren(
      ...this.pictures.map((_, number) => make("option", { value: number }, `picture ${number + 1}`)),
    );
    this.picture.selectedIndex = Math.min(Math.max(before, 0), this.pictures.length - 1);
    this.picture.hidden = this.pictures.length < 2;
    this.render(true);
  }

  // Show a step of a run that goes on.
  showStep(told) {
    const address = previewOf(told.node);
    this.live = { ...told, kept: address };
    this.render();
  }

  get shown() {
    if (this.live) return { ...this.live, part: this.live };
    const run = this.pictures[Math.max(this.picture.selectedIndex, 0)];
    if (!run) return null;
    const parts = run[this.kind.value];
    const part = Array.isArray(parts) ? parts[Math.min(this.part.valueAsNumber, parts.length - 1)] : run;
    return part ? { ...run, part, parts } : { ...run, part: run };
  }

  render(isOther = false) {
    if (isOther) this.offerParts();
    const shown = this.shown;
    const map = shown && unpack(shown.part, shown.bits);
    if (!map) return;
    const people = (shown.people ?? []).map(({ name, colour }) => ({ name: String(name ?? ""), colour: String(colour) }));
    this.choice.hidden = Boolean(this.live);
    this.note.textContent = this.live ? `step ${this.live.step} of ${this.live.steps}` : (shown.part.label ?? "");
    this.offerPeople(people, map);
    const settings = { people, hidden: this.hidden, opacity: this.opacity.valueAsNumber / 100 };
    const address = this.live ? this.live.kept : this.addresses[(shown.picture ?? 0) % (this.addresses.length || 1)];
    this.drawn = map;
    this.withGround(address, (ground) => this.drawn === map && drawMap(this.canvas, map, { ...settings, ground }));
  }

  offerParts() {
    const run = this.pictures[Math.max(this.picture.selectedIndex, 0)];
    for (const option of this.kind.options) {
      option.disabled = option.value !== "whole" && !run?.[option.value]?.length;
    }
    if (this.kind.selectedOptions[0]?.disabled) this.kind.value = "whole";
    const count = run?.[this.kind.value]?.length ?? 0;
    this.part.max = Math.max(count - 1, 0);
    this.part.hidden = count < 2;
  }

  offerPeople(people, map) {
    const shares = sharesOf(map, people.length).map((share) => `${Math.round(100 * share)} %`);
    const texts = people.map((person, place) => `${person.name} ${shares[place]}`);
    this.canvas.setAttribute("aria-label", texts.join(", ") || "nobody was placed");
    if (this.chips.children.length !== people.length) {
      this.chips.replaceChildren(
        ...people.map((person, place) => chip(person, "", true, () => this.toggle(place))),
      );
    }
    people.forEach((_, place) => {
      const button = this.chips.children[place];
      button.setAttribute("aria-pressed", String(!this.hidden.has(place)));
      button.title = texts[place];
      button.lastChild.textContent = texts[place];
    });
  }

  toggle(place) {
    if (!this.hidden.delete(place)) this.hidden.add(place);
    this.render();
  }

  // Call with the picture of an address as soon as it is there, with null where there is none.
  withGround(address, use) {
    if (!address) return use(null);
    const known = this.grounds.get(address);
    if (known) return use(known);
    const picture = new Image();
    picture.onload = () => {
      this.grounds.clear();
      this.grounds.set(address, picture);
      use(picture);
    };
    picture.onerror = () => use(null);
    picture.src = address;
  }
}
