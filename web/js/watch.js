// Looks at nodes a few times a second. What is drawn from widgets and links is right after whatever changed them: a click, undo, the
// panel, another script; there is no event for all of these.

const EVERY = 300; // milliseconds
const PATIENCE = 20; // looks that a node has to come into a graph
const watched = new Set();
let timer = null;

// Call a function whenever a text that tells a node's state has changed.
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

// How many nodes are looked at.
export const count = () => watched.size;

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
  each.change(node);
}
