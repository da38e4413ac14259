// The face picker: the photo in the node, a numbered box for each face, and a click that takes one.
// It is drawn from the node's widgets and from what the node or the server said, never from its own clicks.

import { make } from "./elements.js";
import { askFaces, sourceOf } from "./face_source.js";
import { regionLine, sorted, sound } from "./faces.js";
import { PhotoView } from "./photo_view.js";
import { addView, after, fit, hideCorePicture, madeWith, outputOf, panel, setWidgets, valueOf, viewAddress, watch, widgetOf } from "./widget.js";

const NODES = ["LikenessAddPerson", "LikenessDetectFaces", "LikenessPickFaces"];
const NAME = "likeness_faces";
const HEIGHT = 260; // pixels; core's own picture takes as much
const SEVERAL = "Several photos: the number holds for each.";

// What app.registerExtension takes.
export const facePicker = {
  name: "Likeness.FacePicker",
  nodeCreated(node) {
    if (NODES.includes(node.comfyClass)) new FacePicker(node).attach();
  },
  loadedGraphNode(node) {
    if (NODES.includes(node.comfyClass)) fit(node);
  },
};

class FacePicker {
  constructor(node) {
    this.node = node;
    this.output = null; // of the last run
    this.ranWith = null; // the source's key then
    this.number = 0; // of the photo that is shown
    this.seen = "";
    this.isDrawing = false;
    this.photo = new PhotoView({ take: (face) => this.take(face), drawn: (box) => this.region(box) });
    this.strip = make("div", { class: "likeness-strip", "data-scrolls": true });
    this.say = make("div", { class: "likeness-say", role: "status" });
    this.draw = make("button", { type: "button", class: "likeness-button", "aria-pressed": "false" }, "Draw where the face is");
    this.draw.addEventListener("click", () => this.setDrawing(!this.isDrawing));
    this.back = make("button", { type: "button", class: "likeness-button" }, "Find faces again");
    this.back.addEventListener("click", () => {
      setWidgets(node, { region: "", detector: "auto" });
      this.look();
    });
    this.below = make("div", { class: "likeness-row" }, this.draw, this.back);
    this.element = panel("faces", this.photo.element, this.strip, this.say, this.below);
    this.element.hidden = true;
  }

  attach() {
    const height = () => (this.element.hidden ? 0 : HEIGHT);
    if (!addView(this.node, NAME, this.element, { minHeight: height })) return;
    after(this.node, "onExecuted", (output) => this.receive(output));
    watch(this.node, () => this.look());
  }

  receive(output) {
    if (!output?.likeness_photos?.length) return;
    this.output = output;
    this.ranWith = madeWith(output, sourceOf(this.node).key);
    this.seen = "";
    this.look();
  }

  // See whether anything changed that the view is drawn from.
  look() {
    const { node } = this;
    const kept = outputOf(node);
    if (!this.output && kept?.likeness_photos?.length) return this.receive(kept);
    const source = sourceOf(node);
    const hasRun = this.output && (!source.file || this.ranWith === source.key);
    const answer = !hasRun && source.file ? askFaces(source, () => this.look()) : null;
    const widgets = ["order", "take", "number", "face", "point_x", "point_y"].map((name) => valueOf(node, name, null));
    const seen = JSON.stringify([source.key, Boolean(hasRun), answer?.state, widgets, this.number, this.isDrawing]);
    if (seen === this.seen) return;
    this.seen = seen;
    this.source = source;
    this.show(hasRun ? this.ofRun() : this.ofFile(source, answer));
  }

  ofRun() {
    const photos = this.output.likeness_photos.map((photo) => ({ ...photo, address: viewAddress(photo ?? {}) }));
    return { photos, faces: sound(this.output.likeness_faces), person: this.output.likeness_people?.[0] };
  }

  ofFile(source, answer) {
    if (!source.file) return { photos: [], faces: [], sentence: source.sentence };
    const { width = 1, height = 1, faces, error } = answer ?? {};
    const photo = { address: viewAddress(source.file), width, height };
    const sentence = error ?? (faces ? "" : "Looking for faces …");
    return { photos: [photo], faces: sound(faces), sentence, isFound: Boolean(faces), person: this.output?.likeness_people?.[0] };
  }

  show({ photos, faces, sentence = "", person, isFound = true }) {
    const isNew = this.element.hidden;
    this.element.hidden = !photos.length && !sentence;
    if (this.element.hidden) return;
    hideCorePicture(this.node);
    if (isNew) fit(this.node);
    this.number = Math.min(this.number, Math.max(photos.length - 1, 0));
    const photo = photos[this.number];
    this.shown = photo;
    if (/^#[0-9a-f]{6}$/i.test(person?.colour)) this.element.style.setProperty("--likeness-colour", person.colour);
    const here = this.placed(faces.filter((face) => (face.image ?? 0) === this.number), photo);
    const isGiven = valueOf(this.node, "detector") === "given region";
    this.photo.show(photo, here, { isFixed: this.source.isFixed, isDrawing: this.isDrawing });
    this.say.textContent = sentence || this.sentence(here, photos.length, isFound);
    this.draw.hidden = !photo || !widgetOf(this.node, "region") || this.source.isFixed || (here.length > 0 && !isGiven);
    this.back.hidden = !isGiven;
    this.below.hidden = this.draw.hidden && this.back.hidden;
    this.showStrip(photos);
  }

  // The faces of one photo with their numbers, and which are taken, as the widgets say.
  placed(faces, photo) {
    if (!photo) return [];
    if (this.source.isFixed) return faces.map((face) => ({ ...face, place: face.place ?? face.index + 1 }));
    const { node } = this;
    const point = [Number(valueOf(node, "point_x", 0.5)), Number(valueOf(node, "point_y", 0.5))];
    const number = Number(valueOf(node, "face", valueOf(node, "number", 1)));
    const isAll = valueOf(node, "take") === "all";
    return sorted(faces, valueOf(node, "order"), photo, point).map((face, index) => ({
      ...face,
      place: index + 1,
      taken: isAll || index + 1 === number,
    }));
  }

  sentence(here, count, isFound) {
    if (this.isDrawing) return "Draw a box around the face.";
    if (!here.length) return isFound ? "No face was found here. Draw where it is, or choose another photo." : "";
    if (!here.some((face) => face.taken)) return `No face has the number that is set; ${here.length} were found. Click one.`;
    if (this.source.isFixed) return this.source.sentence;
    return count > 1 ? SEVERAL : here.length > 1 ? "Click the face to take." : "";
  }

  showStrip(photos) {
    this.strip.hidden = photos.length < 2;
    if (this.strip.hidden) return this.strip.replaceChildren();
    const buttons = photos.map((photo, number) => {
      const picture = make("img", { src: photo.address, alt: "" });
      const label = `photo ${number + 1} of ${photos.length}`;
      const button = make("button", { type: "button", "aria-label": label, "aria-pressed": String(number === this.number) }, picture);
      button.addEventListener("click", () => {
        this.number = number;
        this.look();
        this.strip.children[number]?.focus();
      });
      return button;
    });
    this.strip.replaceChildren(...buttons);
  }

  take(face) {
    const isNearest = valueOf(this.node, "order") === "nearest to point";
    const two = (from) => Math.round(50 * (face.box[from] + face.box[from + 2])) / 100;
    const number = isNearest ? 1 : face.place;
    const point = isNearest ? { point_x: two(0), point_y: two(1) } : {};
    setWidgets(this.node, { face: number, number, take: "one per image", ...point });
    this.look();
    this.photo.focus(number);
  }

  setDrawing(isDrawing) {
    this.isDrawing = isDrawing;
    this.draw.setAttribute("aria-pressed", String(isDrawing));
    this.look();
  }

  // Somebody drew where a face is; of several photos the text says of which.
  region(box) {
    const line = regionLine(box, this.shown);
    const text = this.number ? `image ${this.number + 1}\n${line}` : line;
    const before = valueOf(this.node, "detector") === "given region" ? valueOf(this.node, "region", "") : "";
    this.isDrawing = false;
    this.draw.setAttribute("aria-pressed", "false");
    const kept = before && this.number ? `${before}\n` : "";
    setWidgets(this.node, { detector: "given region", region: kept + text, face: 1, number: 1 });
    this.look();
  }
}
