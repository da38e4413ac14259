// A view in a node that shows what its node sent. As long as it shows nothing, the node looks as it does without it.

import { findNode } from "./live.js";
import { addView, after, fit, hideCorePicture } from "./widget.js";

const HEIGHT = 260; // pixels, at least, once something is shown
const attached = new WeakMap(); // node → what makes its view appear, and what gives it something to show

// Put a view into a node.
//   name: of the widget, and of what the node sends for it.
//   element: of the view.
//   show: called with everything that the node sent.
//   replaces: whether the view shows all of the picture that core draws, which then is left out.
export function attachView(node, { name, element, show, replaces = () => true }) {
  element.hidden = true;
  addView(node, name, element, { minHeight: () => (element.hidden ? 0 : HEIGHT) });
  const appear = () => {
    const isNew = element.hidden;
    element.hidden = false;
    if (replaces()) hideCorePicture(node);
    else showCorePicture(node);
    if (isNew) fit(node);
  };
  const receive = (output) => {
    if (!output?.[name]?.length) return;
    appear();
    show(output);
  };
  attached.set(node, { appear, receive });
  after(node, "onExecuted", receive);
}

// Show something of a run that goes on.
attachView.live = (node, show) => {
  attached.get(node)?.appear();
  show();
};

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
