// Views in nodes: how they get there, how large they are, and how they set the node's own widgets.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { make } from "./elements.js";

const LOOK_EVERY = 400; // milliseconds between two looks at what a view is drawn from
const CORE_PICTURE = "$$canvas-image-preview"; // core's name of the widget that draws it
const MOST_RUNS = 200; // that are known
const warned = new Set();
const made = new Map(); // picture of a run → what it was made with
const watched = new Map(); // node → what looks at it
let timer = null;

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

// The frame of a view. Keys that choose in it do nothing to the graph; undo and the like reach the page.
export function panel(label, ...children) {
  const element = make("div", { class: "likeness-panel", role: "group", "aria-label": label }, ...children);
  element.addEventListener("keydown", (event) => {
    if ([" ", "Enter", "Tab"].includes(event.key)) event.stopPropagation();
  });
  return element;
}

// Put an element into a node as its last widget, which is neither saved nor sent.
//   name: of the widget, one of a kind in its node.
//   minHeight: of the element, pixels, or what gives it.
// Gives null where the node has it already.
export function addView(node, name, element, { minHeight }) {
  if (node.widgets?.some((widget) => widget.name === name)) return null;
  const widget = node.addDOMWidget(name, name, element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => (typeof minHeight === "function" ? minHeight() : minHeight),
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false; // the option keeps it out of prompts, this out of saved workflows
  passThrough(element);
  fit(node);
  return widget;
}

// Let a node be at least as high as what is in it.
export function fit(node) {
  const [width, height] = node.computeSize();
  if (node.size[0] < width || node.size[1] < height) {
    node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
  }
  app.canvas?.setDirty(true, true);
}

// The wheel and the middle button belong to the canvas, wherever the pointer is.
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

// Call `look` now and then, until the node is removed: whatever changed a widget or a link, the view follows.
export function watch(node, look) {
  after(node, "onRemoved", () => {
    watched.delete(node);
    if (!watched.size) timer = clearInterval(timer);
  });
  after(node, "onAdded", () => start(node, look));
  if (node.graph) start(node, look);
}

function start(node, look) {
  watched.set(node, look);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    for (const [each, act] of watched) {
      if (each.graph?.getNodeById(each.id) === each) attempt("a view", act);
      else watched.delete(each);
    }
  }, LOOK_EVERY);
}

// A node's widget, by name.
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

// The value of a node's widget, by name.
export function valueOf(node, name, otherwise) {
  return widgetOf(node, name)?.value ?? otherwise;
}

// Set widgets of a node, as one step that can be undone; names that the node has not are left out.
export function setWidgets(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const widget = widgetOf(node, name);
    if (!widget || widget.value === value) continue;
    widget.value = value;
    widget.callback?.(value, app.canvas, node);
  }
  app.canvas?.setDirty(true, true);
  noteChange();
}

// Tell the page that something changed, after the event that changed it.
export function noteChange() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
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

// What a run was made with, by the picture that it sent; `now` where it is not known yet. A node that undo made anew asks again.
export function madeWith(output, now) {
  const picture = output.images?.[0]?.filename;
  if (!picture) return now;
  if (!made.has(picture)) made.set(picture, now);
  if (made.size > MOST_RUNS) made.delete(made.keys().next().value);
  return made.get(picture);
}

// What a node sent when it last ran, also in a page that was loaded later.
export function outputOf(node) {
  const key = node.graph?.isRootGraph === false ? `${node.graph.id}:${node.id}` : String(node.id);
  return app.nodeOutputs?.[key];
}
