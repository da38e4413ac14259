// Views in nodes: how they get there, how large they are, and how a fault in one stays there.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

const CORE_PICTURE = "$$canvas-image-preview"; // core's name of the widget that draws it
const warned = new Set();

// Call something; what it throws is said once in the console and goes no further, so that a node stays as it was.
export function attempt(what, act) {
  try {
    return act();
  } catch (error) {
    if (!warned.has(what)) console.warn(`Likeness: ${what} does not work in this page; the nodes do without it.`, error);
    warned.add(what);
    return undefined;
  }
}

// The same extension, none of whose hooks throws.
export function guarded(extension) {
  const hooks = Object.entries(extension).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    return [name, (...given) => attempt(extension.name, () => value(...given))];
  });
  return Object.fromEntries(hooks);
}

// Put an element into a node as its last widget, which is neither saved nor sent.
//   name: of the widget, one of a kind in its node.
//   least, most: give the height of the element, pixels; without `most` it takes what room there is.
export function addView(node, name, element, { least, most }) {
  const widget = node.addDOMWidget(name, `likeness_${name}`, element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: least,
    ...(most && { getMaxHeight: most }),
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false; // the option keeps it out of prompts, this out of saved workflows
  passThrough(element);
  fit(node);
}

// Let a node be at least as high as what is in it.
export function fit(node) {
  const [width, height] = node.computeSize();
  if (node.size[0] < width || node.size[1] < height) {
    node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
  }
  app.canvas?.setDirty(true, true);
}

// The wheel and the middle button belong to the canvas, wherever the pointer is; the wheel of what scrolls, to that.
function passThrough(element) {
  element.addEventListener("wheel", (event) => {
    if (event.target.closest?.("[data-scrolls]")) return event.stopPropagation();
    event.preventDefault();
    return app.canvas.processMouseWheel(event);
  });
  const middle = [["pointerdown", "processMouseDown"], ["pointermove", "processMouseMove"], ["pointerup", "processMouseUp"]];
  for (const [kind, method] of middle) {
    element.addEventListener(kind, (event) => {
      if (event.button === 1 || event.buttons & 4) app.canvas[method](event);
    });
  }
}

// Call something after one of a node's own functions.
export function after(node, name, act) {
  const before = node[name];
  node[name] = function (...given) {
    const answer = before?.apply(this, given);
    attempt(name, () => act.apply(this, given));
    return answer;
  };
}

// The address of a picture that a node sent, or of one in the input folder.
export function viewAddress({ filename = "", subfolder = "", type = "input" }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

// Core draws the picture that a node sends; a view that shows the same and more takes its place.
export function hideCorePicture(node) {
  node.hideOutputImages = true;
  node.onDrawBackground = () => {};
  node.imgs = undefined;
  const place = node.widgets?.findIndex((widget) => widget.name === CORE_PICTURE) ?? -1;
  if (place >= 0) node.widgets.splice(place, 1)[0].onRemove?.(); // drawn already, in a page that had run before
}
