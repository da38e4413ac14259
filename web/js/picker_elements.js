// The elements of the face picker: a photo, boxes over it, a box that is being drawn, a photo of the strip.

import { between, isLight } from "./boxes.js";
import { make } from "./elements.js";

// A photo in its own shape, as large as the stage allows, and its image.
export function photoOf(photo) {
  const canvas = make("div", { class: "likeness-photo" });
  const image = make("img", { alt: "", draggable: "false", src: photo.address });
  const fit = (width, height) => {
    if (!width || !height) return;
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.style.width = `min(100cqw, calc(100cqh * ${width / height}))`;
  };
  fit(photo.width, photo.height);
  image.addEventListener("load", () => fit(image.naturalWidth, image.naturalHeight));
  canvas.append(image);
  return [canvas, image];
}

// The box of a face with its number; a colour where it is taken, null elsewhere.
export function boxOf(face, number, colour, isFixed) {
  const [x0, y0, x1, y1] = face.box;
  const score = Number.isFinite(face.score) ? `, sure to ${Math.round(100 * face.score)} %` : "";
  const text = face.note && colour ? `${number}  ${face.note}` : `${number}`;
  const box = make(
    "button",
    {
      type: "button",
      class: "likeness-box",
      "data-number": number,
      "aria-pressed": colour !== null,
      "aria-label": `face ${number}${score}`,
      title: `face ${number}${score}`,
      disabled: isFixed,
    },
    make("span", { class: "likeness-plate" }, text),
  );
  place(box, face.box);
  box.style.zIndex = String(1 + Math.round(1000 * (1 - (x1 - x0) * (y1 - y0)))); // the smaller one can always be reached
  if (colour !== null) {
    box.style.setProperty("--likeness-colour", colour);
    box.style.setProperty("--likeness-ink", isLight(colour) ? "#101010" : "#ffffff");
  }
  return box;
}

function place(element, [x0, y0, x1, y1]) {
  const parts = { left: x0, top: y0, width: x1 - x0, height: y1 - y0 };
  for (const [name, part] of Object.entries(parts)) element.style[name] = `${100 * part}%`;
}

// Let a box be drawn on a photo with the mouse, a pen or a finger.
export function letDraw(canvas, onDrawn) {
  canvas.classList.add("likeness-drawing");
  const ghost = make("div", { class: "likeness-ghost" });
  let start = null;
  const at = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };
  const end = () => {
    start = null;
    ghost.remove();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".likeness-box")) return;
    start = at(event);
    canvas.setPointerCapture(event.pointerId);
    place(ghost, [...start, ...start]);
    canvas.append(ghost);
  });
  canvas.addEventListener("pointermove", (event) => {
    const box = start && between(start, at(event), 0);
    if (box) place(ghost, box);
  });
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerup", (event) => {
    const box = start && between(start, at(event));
    end();
    if (box) onDrawn(box);
  });
}

// A photo of the strip.
export function smallOf(photo, label, isShown, onChoose) {
  const button = make(
    "button",
    { type: "button", class: "likeness-small", "aria-label": label, "aria-pressed": isShown, title: label },
    make("img", { alt: "", src: photo.address, draggable: "false" }),
  );
  button.addEventListener("click", onChoose);
  return button;
}
