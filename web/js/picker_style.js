// How the face picker looks.

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
.likeness-amber { border-color: #ffb020; background: #3a2a08; color: #ffdf9e; cursor: default; }
.likeness-amber span:last-child, .likeness-person span:last-child { max-width: 240px; }
.likeness-person { cursor: default; }
.likeness-person.likeness-out { opacity: 0.7; }
`;

export function styleOfPicker() {
  if (!isStyled) document.head.append(make("style", {}, STYLE));
  isStyled = true;
}
