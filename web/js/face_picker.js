// The face picker: the photos of a node with a numbered box for each face; the one that is taken is filled. Everything is drawn from
// the node's widgets, and a choice is written there, so whatever changes them is seen here and nothing else is saved.

import { cleaned, pointOf, sorted, withBox } from "./boxes.js";
import { frame, make } from "./elements.js";
import { valueOf, write } from "./graph.js";
import { colourOf, placeOf } from "./people.js";
import { addressOfName, facesOf, forget, NODES, searchOf } from "./photos.js";
import { boxOf, letDraw, photoOf, smallOf, styleOfPicker } from "./picker_elements.js";
import { attachView, isFresh, lookAt, watch } from "./shown.js";
import { viewAddress } from "./widget.js";

const TAKEN = "#38d978"; // of faces that are nobody's yet, as in the preview
const OUTLIER = "#f54848";
const WATCHED = ["face", "order", "take", "number", "point_x", "point_y", "detector", "region", "min_score"];
const COLOUR = /^#[0-9a-f]{6}$/i;

export const facePicker = {
  name: "Likeness.Faces",
  nodeCreated(node) {
    if (!NODES.includes(node.comfyClass)) return;
    const picker = new FacePicker(node);
    attachView(node, {
      name: "likeness_faces",
      element: picker.element,
      show: (output) => picker.receive(output),
    });
    watch(node, () => picker.state(), () => picker.refresh());
  },
};

class FacePicker {
  constructor(node) {
    styleOfPicker();
    this.node = node;
    this.shown = 0; // which photo
    this.run = null; // what the last run sent, and what it depends on
    this.photos = []; // {address, width, height, faces, error}
    this.asked = 0;
    this.answered = null; // the question that the photos answer
    this.stage = make("div", { class: "likeness-faces" });
    this.strip = make("div", { class: "likeness-row", role: "group", "aria-label": "photos" });
    this.note = make("span", { class: "likeness-said", role: "status" });
    this.again = make("button", { type: "button", class: "likeness-chip" }, "find faces");
    this.again.addEventListener("click", () => this.findAgain());
    this.element = frame("faces of the photo", this.stage, this.strip, make("div", { class: "likeness-row" }, this.note, this.again));
  }

  // What the node's photos and faces depend on.
  get question() {
    const search = searchOf(this.node);
    return search && JSON.stringify([search.from, search.photos, search.detector, search.region, search.minScore, search.isGiven]);
  }

  // Everything that is drawn depends on this.
  state() {
    const values = WATCHED.map((name) => valueOf(this.node, name));
    return JSON.stringify([this.question, values, placeOf(this.node)]);
  }

  // Show what a run sent.
  receive(output) {
    if (this.run?.sent !== output.likeness_faces) {
      const files = output.likeness_photos ?? [];
      const photos = output.likeness_faces.map((record, place) => ({
        ...cleaned(record),
        address: files[place] ? viewAddress(files[place]) : null,
      }));
      this.run = { sent: output.likeness_faces, question: this.question, photos, isFresh: false };
    }
    setTimeout(() => {
      this.run.isFresh ||= isFresh(this.run.sent);
      this.refresh();
    });
  }

  // Look again at what the node says.
  async refresh() {
    const asked = ++this.asked;
    const [search, question] = [searchOf(this.node), this.question];
    if (this.run?.question === question && (this.run.isFresh || !search?.photos)) {
      this.answered = null;
      this.photos = this.run.photos.map((photo, place) => {
        const name = search?.photos?.length === this.run.photos.length ? search.photos[place] : null;
        return { ...photo, address: name === null ? photo.address : addressOfName(name) };
      });
    } else if (!search?.photos) {
      this.photos = [];
    } else if (this.answered !== question) {
      this.answered = null;
      this.photos = search.photos.map((name) => ({ address: addressOfName(name), width: 0, height: 0, faces: [], isComing: true }));
      for (let place = 0; place < search.photos.length; place += 1) {
        this.render();
        const found = await facesOf(search, place + 1);
        if (asked !== this.asked) return; // somebody else looks by now
        this.photos[place] = { address: this.photos[place].address, ...found };
      }
      this.answered = question;
    }
    this.render();
  }

  render() {
    if (!this.photos.length) return attachView.away(this.node);
    attachView.live(this.node, () => {
      this.shown = Math.min(this.shown, this.photos.length - 1);
      const photo = this.photos[this.shown];
      const held = this.stage.contains(document.activeElement) ? document.activeElement.dataset.number : null;
      this.stage.replaceChildren(this.picture(photo));
      if (held) this.stage.querySelector(`[data-number="${held}"]`)?.focus();
      this.showStrip();
      this.note.textContent = this.sentence(photo);
      this.again.hidden = (!photo.error || photo.isLater) && valueOf(this.node, "detector") !== "given region";
    });
  }

  picture(photo) {
    const [canvas, image] = photoOf(photo);
    const faces = this.ordered(photo);
    const taken = this.takenOf(photo, faces);
    const isFixed = this.isFixed;
    faces.forEach((face, place) => {
      const isTaken = taken.includes(face);
      const box = boxOf(face, place + 1, isTaken ? this.colour(photo, face) : null, isFixed);
      box.addEventListener("click", () => this.choose(photo, face, place + 1));
      canvas.append(box);
    });
    if (this.canDraw(photo)) letDraw(canvas, (box) => this.draw(box, photo, image));
    return canvas;
  }

  ordered(photo) {
    const point = [Number(valueOf(this.node, "point_x") ?? 0.5), Number(valueOf(this.node, "point_y") ?? 0.5)];
    return sorted(photo, valueOf(this.node, "order"), point);
  }

  takenOf(photo, faces) {
    if (this.isFixed) return faces.filter((face) => face.taken);
    if (valueOf(this.node, "take") === "all") return faces;
    const number = Number(valueOf(this.node, this.number));
    return faces.slice(number - 1, number);
  }

  get number() {
    return this.node.comfyClass === "LikenessAddPerson" ? "face" : "number";
  }

  // Whether the faces were chosen by the node before.
  get isFixed() {
    return Boolean(searchOf(this.node)?.isTaken);
  }

  colour(photo, face) {
    if (face.outlier) return OUTLIER;
    if (COLOUR.test(photo.colour)) return photo.colour;
    return this.node.comfyClass === "LikenessAddPerson" ? colourOf(placeOf(this.node)) : TAKEN;
  }

  choose(photo, face, number) {
    const values = { [this.number]: number, take: "one per image" };
    if (valueOf(this.node, "order") === "nearest to point") {
      const [x, y] = pointOf(face, photo);
      Object.assign(values, { [this.number]: 1, point_x: x, point_y: y });
    }
    write(this.node, values);
    lookAt(this.node);
  }

  sentence(photo) {
    if (photo.isComing) return "looking for faces …";
    if (photo.error) return this.canDraw(photo) ? `${photo.error} Or draw a box around the face.` : photo.error;
    if (!photo.faces.length) {
      return this.canDraw(photo) ? "No face was found. Draw a box around it, or choose another photo." : "No face was found.";
    }
    const number = Number(valueOf(this.node, this.number));
    const isMissing = valueOf(this.node, "take") !== "all" && !this.isFixed && number > photo.faces.length;
    const many = photo.faces.length === 1 ? "1 face" : `${photo.faces.length} faces`;
    if (isMissing) return `Face ${number} is asked for, and there ${photo.faces.length === 1 ? "is" : "are"} ${many}: choose one.`;
    return this.isFixed ? `${many}; chosen in the node before` : many;
  }

  // Whether a box may be drawn: nobody was found, or boxes were drawn before.
  canDraw(photo) {
    const search = searchOf(this.node);
    const hasWidgets = ["detector", "region"].every((name) => this.node.widgets?.some((widget) => widget.name === name));
    if (!hasWidgets || !search || search.isGiven || search.isTaken || photo.isComing) return false;
    return !photo.faces.length || search.detector === "given region";
  }

  draw(box, photo, image) {
    const [width, height] = photo.width ? [photo.width, photo.height] : [image.naturalWidth, image.naturalHeight];
    if (!width) return;
    const region = withBox(valueOf(this.node, "region"), this.shown + 1, box, width, height);
    write(this.node, { detector: "given region", region, [this.number]: 1 });
    lookAt(this.node);
  }

  // Look for faces once more, in place of what was drawn.
  findAgain() {
    forget(searchOf(this.node) ?? {});
    this.answered = null;
    if (valueOf(this.node, "detector") === "given region") write(this.node, { detector: "auto", region: "" });
    this.refresh();
  }

  showStrip() {
    this.strip.hidden = this.photos.length < 2;
    if (this.strip.hidden) return this.strip.replaceChildren();
    const held = this.strip.contains(document.activeElement);
    this.strip.replaceChildren(
      ...this.photos.map((photo, place) =>
        smallOf(photo, `photo ${place + 1} of ${this.photos.length}`, place === this.shown, () => {
          this.shown = place;
          this.render();
        }),
      ),
    );
    if (held) this.strip.children[this.shown]?.focus();
  }
}
