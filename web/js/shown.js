// A view in a node that shows what its node sent. As long as it shows nothing, the node looks as it does without it.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { findNode } from "./live.js";
import { addView, after, attempt, fit, hideCorePicture } from "./widget.js";

const EVERY = 300; // milliseconds between two looks at a node
const PATIENCE = 20; // looks that a node has to come into a graph
const watched = new Set();
let timer = null;
let heard = null; // what runs sent; the page also gives nodes what it kept of earlier ones, even of other graphs
const HEIGHT = 260; // pixels, at least, once something is shown
const attached = new WeakMap(); // node → what makes its view appear, and what gives it something to show

// Put a view into a node.
//   name: of the widget, and of what the node sends for it.
//   element: of the view.
//   show: called with everything that the node sent.
//   replaces: whether the view shows all of the picture that core draws, which then is left out; null where it is another one.
//   height: of the view once something is shown; without it the view is high and takes what room there is.
export function attachView(node, { name, element, show, replaces = () => true, height = null }) {
  element.hidden = true;
  hear();
  const least = () => (element.hidden ? 0 : (height?.() ?? HEIGHT));
  addView(node, name, element, { least, most: height && least });
  const appear = () => {
    const isNew = element.hidden;
    element.hidden = false;
    if (replaces?.()) hideCorePicture(node);
    else if (replaces) showCorePicture(node);
    if (isNew || node.size[1] < node.computeSize()[1]) fit(node);
  };
  const vanish = () => {
    if (element.hidden) return;
    element.hidden = true;
    if (replaces) showCorePicture(node);
    app.graph.setDirtyCanvas(true, true);
  };
  const receive = (output) => {
    if (!output?.[name]?.length) return;
    appear();
    show(output);
  };
  attached.set(node, { appear, receive, vanish });
  after(node, "onExecuted", receive);
}

function hear() {
  if (heard) return;
  heard = new WeakSet();
  api.addEventListener("executed", ({ detail }) => {
    for (const sent of Object.values(detail?.output ?? {})) if (typeof sent === "object" && sent) heard.add(sent);
  });
}

// Whether a list that a node was given has just come from a run; known a moment after it was given, and told once.
export const isFresh = (sent) => Boolean(heard?.delete(sent));

// Show something of a run that goes on.
attachView.live = (node, show) => {
  attached.get(node)?.appear();
  show();
};

// Show nothing any more, as before there was something to show.
attachView.away = (node) => attached.get(node)?.vanish();

// Show again what nodes sent before the page left them for another workflow.
export function restore(outputs) {
  for (const [id, output] of Object.entries(outputs ?? {})) {
    const node = findNode(id);
    if (node) attached.get(node)?.receive(output);
  }
}

function showCorePicture(node) {
  node.hideOutputImages = false;
  delete node.onDrawBackground; // that of the class draws it
}

// Call a function whenever a text that tells a node's state has changed. Nodes are looked at a few times a second: no event tells of
// whatever may change widgets and links, be it a click, undo, the panel or another script.
//   tell: of the node, what it depends on.
//   change: called with that.
export function watch(node, tell, change) {
  watched.add({ node, tell, change, said: null, looks: 0, wasIn: false });
  timer ??= setInterval(lookAtAll, EVERY);
}

// Look at a node at once.
export function lookAt(node) {
  for (const each of watched) if (each.node === node) look(each);
}

function lookAtAll() {
  if (document.hidden) return;
  for (const each of [...watched]) look(each);
}

function look(each) {
  const { node } = each;
  if (node.graph?.getNodeById?.(node.id) !== node) {
    each.looks += 1;
    if (each.wasIn || each.looks > PATIENCE) watched.delete(each); // gone
    return;
  }
  each.wasIn = true;
  const said = each.tell(node);
  if (said === each.said) return;
  each.said = said;
  attempt("a view", () => each.change(node));
}
