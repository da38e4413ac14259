// Elements of the views. Texts are only ever texts: whatever a user wrote is shown as it is.

let isStyled = false;

const STYLE = `
.likeness-view { display: flex; flex-direction: column; gap: 4px; box-sizing: border-box; width: 100%; height: 100%;
  min-height: 0; font: 12px sans-serif; color: var(--input-text, #ddd); }
.likeness-view[hidden] { display: none; }
.likeness-view .likeness-stage { flex: 1 1 0; min-height: 0; width: 100%; display: block; object-fit: contain; }
.likeness-row { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 6px; flex: none; }
.likeness-row[hidden] { display: none; }
.likeness-chip { display: inline-flex; align-items: center; gap: 4px; max-width: 100%; padding: 2px 6px; cursor: pointer;
  border: 1px solid var(--border-color, #666); border-radius: 9px; background: var(--comfy-input-bg, #222);
  color: inherit; font: inherit; }
.likeness-chip[aria-pressed="false"] { opacity: 0.55; text-decoration: line-through; }
.likeness-chip span:last-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 160px; }
.likeness-dot { flex: none; width: 10px; height: 10px; border-radius: 50%; }
.likeness-row select, .likeness-row input { font: inherit; color: inherit; background: var(--comfy-input-bg, #222);
  border: 1px solid var(--border-color, #666); border-radius: 4px; min-width: 0; }
.likeness-row input[type="range"] { flex: 1 1 60px; }
.likeness-view :focus-visible { outline: 2px solid var(--p-primary-color, #6cf); outline-offset: 1px; }
.likeness-note { color: var(--descrip-text, #aaa); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.likeness-plot text { fill: var(--descrip-text, #aaa); font: 11px sans-serif; }
.likeness-plot line { stroke: var(--border-color, #555); }
.likeness-plot polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
`;

// An element with attributes and children; a text among these is a text.
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for SVG.
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    const isSaid = name.startsWith("aria-") && value !== null; // false is a state there
    if (isSaid) element.setAttribute(name, String(value));
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

// The frame of a view; keys pressed inside do nothing to the graph, but for those that undo and redo.
export function frame(label, ...children) {
  if (!isStyled) document.head.append(make("style", {}, STYLE));
  isStyled = true;
  const view = make("div", { class: "likeness-view", role: "group", "aria-label": label }, ...children);
  view.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && /^[zy]$/i.test(event.key);
    if (!isUndo) event.stopPropagation();
  });
  return view;
}

// A button that switches somebody on and off.
export function chip(person, text, isOn, onToggle) {
  const dot = make("span", { class: "likeness-dot" });
  dot.style.background = /^#[0-9a-f]{6}$/i.test(person.colour) ? person.colour : "#888";
  const button = make(
    "button",
    { type: "button", class: "likeness-chip", "aria-pressed": isOn, title: text },
    dot,
    make("span", {}, text),
  );
  button.addEventListener("click", onToggle);
  return button;
}
