// A photo with a button for each face, as large as its place allows; a box can be drawn on it.

import { make } from "./elements.js";

const LEAST = 0.01; // of the photo's sides, that a drawn box has

export class PhotoView {
  //   take: called with a face that was chosen.
  //   drawn: called with a box, fractions of the photo.
  constructor({ take, drawn }) {
    this.onTake = take;
    this.onDrawn = drawn;
    this.picture = make("img", { alt: "", draggable: "false" });
    this.boxes = make("div", {});
    this.inner = make("div", {}, this.picture, this.boxes);
    this.element = make("div", { class: "likeness-photo" }, this.inner);
    this.picture.addEventListener("load", () => this.place());
    new ResizeObserver(() => this.place()).observe(this.element);
    this.inner.addEventListener("pointerdown", (event) => this.begin(event));
    this.inner.addEventListener("pointermove", (event) => this.stretch(event));
    this.inner.addEventListener("pointerup", (event) => this.end(event));
  }

  show(photo, faces, { isFixed, isDrawing }) {
    this.isDrawing = isDrawing;
    this.element.hidden = !photo;
    this.element.style.display = photo ? "" : "none";
    this.inner.style.cursor = isDrawing ? "crosshair" : "";
    if (photo && this.picture.getAttribute("src") !== photo.address) this.picture.setAttribute("src", photo.address);
    this.boxes.replaceChildren(...faces.map((face) => this.box(face, isFixed || isDrawing)));
    this.place();
  }

  box(face, isFixed) {
    const label = `face ${face.place}${face.taken ? ", taken" : ""}`;
    const score = Number.isFinite(face.score) ? `, score ${face.score.toFixed(2)}` : "";
    const button = make(
      "button",
      { type: "button", class: "likeness-face", "aria-label": label, title: label + score, "aria-pressed": String(Boolean(face.taken)), "data-face": face.place },
      make("b", {}, String(face.place)),
    );
    put(button, face.box);
    button.disabled = isFixed;
    if (isFixed) button.style.pointerEvents = "none";
    button.addEventListener("click", () => this.onTake(face));
    return button;
  }

  focus(place) {
    this.boxes.querySelector(`[data-face="${Number(place)}"]`)?.focus({ preventScroll: true });
  }

  // As large as it fits, in the photo's own shape.
  place() {
    const { clientWidth, clientHeight } = this.element;
    const { naturalWidth, naturalHeight } = this.picture;
    if (!naturalWidth || !clientWidth) return;
    const scale = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
    this.inner.style.width = `${naturalWidth * scale}px`;
    this.inner.style.height = `${naturalHeight * scale}px`;
  }

  point(event) {
    const box = this.inner.getBoundingClientRect();
    const within = (value) => Math.min(Math.max(value, 0), 1);
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  begin(event) {
    if (!this.isDrawing || event.button !== 0) return;
    event.preventDefault();
    this.from = this.point(event);
    this.inner.setPointerCapture(event.pointerId);
    this.rubber = make("div", { class: "likeness-face likeness-drawing" });
    this.boxes.append(this.rubber);
  }

  stretch(event) {
    if (!this.from) return;
    const [x, y] = this.point(event);
    this.drawn = [Math.min(x, this.from[0]), Math.min(y, this.from[1]), Math.max(x, this.from[0]), Math.max(y, this.from[1])];
    put(this.rubber, this.drawn);
  }

  end(event) {
    if (!this.from) return;
    this.stretch(event);
    this.rubber.remove();
    this.from = null;
    const [x0, y0, x1, y1] = this.drawn;
    if (x1 - x0 > LEAST && y1 - y0 > LEAST) this.onDrawn(this.drawn);
  }
}

function put(element, [x0, y0, x1, y1]) {
  const share = (value) => `${100 * Math.min(Math.max(value, 0), 1)}%`;
  Object.assign(element.style, { left: share(x0), top: share(y0), width: share(x1 - x0), height: share(y1 - y0) });
}
