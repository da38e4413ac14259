// What leads to a node and where it leads, through reroutes and subgraphs; and how its widgets are read and written.

import { app } from "../../../scripts/app.js";

const INSIDE = -10; // the origin of links that come from outside of a subgraph
const OUTSIDE = -20; // the target of those that leave it
const DEEPEST = 64;
const BYPASSED = 4;

export const widgetOf = (node, name) => node.widgets?.find((widget) => widget.name === name);
export const valueOf = (node, name) => widgetOf(node, name)?.value;
export const slotOf = (node, name) => (node.inputs ?? []).findIndex((input) => input.name === name);
export const isLinked = (node, name) => node.inputs?.[slotOf(node, name)]?.link != null;
export const isActive = (node) => node.mode !== BYPASSED && node.mode !== 2;

// Write widgets that exist, as one step of undo.
export function write(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const widget = widgetOf(node, name);
    if (!widget || widget.value === value) continue;
    widget.value = value;
    widget.callback?.(value, app.canvas, node);
  }
  node.setDirtyCanvas?.(true, true);
  keepStep();
}

// Tell the page that a step of undo ends here.
export function keepStep() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}

// The node and its slot that an input is fed by; null where nothing is linked.
export function sourceOf(node, name) {
  return followed(node.graph, node.inputs?.[slotOf(node, name)]?.link, 0);
}

function followed(graph, id, depth) {
  const link = linkOf(graph, id);
  if (!link || depth > DEEPEST) return null;
  if (link.origin_id === INSIDE) {
    const holder = holderOf(graph);
    return holder && followed(holder.graph, holder.inputs?.[link.origin_slot]?.link, depth + 1);
  }
  const origin = graph.getNodeById(link.origin_id);
  if (!origin) return null;
  if (origin.subgraph) return followed(origin.subgraph, origin.subgraph.outputs?.[link.origin_slot]?.linkIds?.[0], depth + 1);
  if (origin.type === "Reroute") return followed(graph, origin.inputs?.[0]?.link, depth + 1);
  if (origin.mode === BYPASSED) {
    const type = origin.outputs?.[link.origin_slot]?.type;
    const same = origin.inputs?.find((input) => input.type === type);
    return same ? followed(graph, same.link, depth + 1) : null;
  }
  return { node: origin, slot: link.origin_slot };
}

// The nodes that an output leads to at once.
export function targetsOf(node, slot = 0) {
  return led(node.graph, node.outputs?.[slot]?.links ?? [], 0);
}

function led(graph, ids, depth) {
  if (depth > DEEPEST) return [];
  return [...ids].flatMap((id) => {
    const link = linkOf(graph, id);
    if (!link) return [];
    if (link.target_id === OUTSIDE) {
      const holder = holderOf(graph);
      return holder ? led(holder.graph, holder.outputs?.[link.target_slot]?.links ?? [], depth + 1) : [];
    }
    const target = graph.getNodeById(link.target_id);
    if (!target) return [];
    if (target.subgraph) return led(target.subgraph, target.subgraph.inputs?.[link.target_slot]?.linkIds ?? [], depth + 1);
    if (target.type === "Reroute") return led(graph, target.outputs?.[0]?.links ?? [], depth + 1);
    return [target];
  });
}

const linkOf = (graph, id) => (id == null ? null : (graph?.links?.get?.(id) ?? graph?.links?.[id] ?? null));

function holderOf(graph) {
  return everyNode().find((node) => node.subgraph === graph);
}

function everyNode(graph = app.rootGraph ?? app.graph, depth = 0) {
  if (depth > DEEPEST) return [];
  return (graph?._nodes ?? []).flatMap((node) => (node.subgraph ? [node, ...everyNode(node.subgraph, depth + 1)] : [node]));
}
