// The elements of the face picker: a photo, boxes over it, a box that is being drawn, a photo of the strip.

import { between, isLight } from "./boxes.js";
import { make } from "./elements.js";

let isStyled = false;

const STYLE = `
.likeness-faces { flex: 1 1 0; min-height: 0; width: 100%; container-type: size; display: flex; justify-content: center;
  align-items: center; overflow: hidden; }
.likeness-photo { position: relative; max-width: 100%; max-height: 100%; overflow: hidden; }
.likeness-photo > img { display: block; width: 100%; height: 100%; object-fit: fill; user-select: none; pointer-events: none; }
.likeness-drawing { cursor: crosshair; touch-action: none; }
.likeness-box { position: absolute; box-sizing: border-box; margin: 0; padding: 0; background: none; cursor: pointer; min-width: 14px;
  min-height: 14px; border: 2px dashed #ebebeb; outline: 1px solid #101010; border-radius: 3px; font: bold 12px sans-serif; }
.likeness-box[aria-pressed="true"] { border: 3px solid var(--likeness-colour);
  background: color-mix(in srgb, var(--likeness-colour) 30%, transparent); }
.likeness-box:disabled { cursor: default; }
.likeness-box:hover:enabled { background: #ffffff40; }
.likeness-view .likeness-box:focus-visible { outline: 3px solid #ffffff; box-shadow: 0 0 0 6px #101010; outline-offset: 0; }
.likeness-plate { position: absolute; left: 0; top: 0; min-width: 16px; padding: 0 3px; line-height: 16px; text-align: center;
  white-space: pre; color: #101010; background: #ebebeb; }
.likeness-box[aria-pressed="true"] .likeness-plate { color: var(--likeness-ink); background: var(--likeness-colour); }
.likeness-ghost { position: absolute; box-sizing: border-box; border: 2px dashed #38d978; outline: 1px solid #101010; pointer-events: none; }
.likeness-small { flex: none; width: 44px; height: 44px; padding: 0; overflow: hidden; cursor: pointer; background: none;
  border: 2px solid transparent; border-radius: 4px; opacity: 0.65; }
.likeness-small[aria-pressed="true"] { border-color: var(--input-text, #ddd); opacity: 1; }
.likeness-small img { width: 100%; height: 100%; object-fit: cover; display: block; pointer-events: none; }
.likeness-said { flex: 1 1 120px; color: var(--input-text, #ddd); overflow-wrap: anywhere; }
.likeness-chip[hidden] { display: none; }
.likeness-chip.likeness-amber { border-color: #ffb020; background: #3a2a08; color: #ffdf9e; cursor: default; }
.likeness-chip.likeness-amber > span, .likeness-chip.likeness-person > span:last-child { max-width: 100%; }
.likeness-chip.likeness-person { cursor: default; }
.likeness-chip.likeness-out { opacity: 0.7; }
`;

export function styleOfPicker() {
  if (!isStyled) document.head.append(make("style", {}, STYLE));
  isStyled = true;
}

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
