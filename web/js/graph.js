// Walks over links: through reroutes, bypassed nodes and the borders of subgraphs.

import { app } from "../../../scripts/app.js";

const BYPASSED = 4;
const BORDER = -10; // id of the inputs of a subgraph, inside it
const MOST_STEPS = 100;
const ADDING = ["LikenessAddPerson", "LikenessLoadIdentityCard"];
const TAKING = /^Likeness(Apply|SaveIdentityCard|ScoreLikeness|MatchPeople)/;

function linkOf(graph, id) {
  if (id == null) return null;
  return graph.getLink?.(id) ?? graph.links?.get?.(id) ?? graph.links?.[id] ?? null;
}

// All nodes of a graph and of the subgraphs in it.
export function* nodesOf(graph = app.rootGraph ?? app.graph) {
  for (const node of graph?._nodes ?? []) {
    yield node;
    if (node.subgraph) yield* nodesOf(node.subgraph);
  }
}

// The node and slot that a node's input comes from; null where nothing is linked.
export function originOf(node, name) {
  const input = node.inputs?.find((each) => each.name === name);
  return input ? follow(node.graph, input.link) : null;
}

function follow(graph, link) {
  for (let step = 0; step < MOST_STEPS; step++) {
    const found = linkOf(graph, link);
    if (!found) return null;
    if (Number(found.origin_id) === BORDER) {
      const outer = [...nodesOf()].find((each) => each.subgraph === graph);
      if (!outer) return null;
      link = outer.inputs?.[found.origin_slot]?.link;
      graph = outer.graph;
      continue;
    }
    const origin = graph.getNodeById(found.origin_id);
    if (!origin) return null;
    if (origin.subgraph) {
      link = origin.subgraph.outputNode?.slots?.[found.origin_slot]?.linkIds?.[0];
      graph = origin.subgraph;
    } else if (origin.type === "Reroute") {
      link = origin.inputs?.[0]?.link;
    } else if (origin.mode === BYPASSED) {
      const type = origin.outputs?.[found.origin_slot]?.type;
      link = origin.inputs?.find((input) => input.type === type && input.link != null)?.link;
    } else {
      return { node: origin, slot: found.origin_slot };
    }
  }
  return null;
}

// The photo in the input folder that an input shows: {name, filename, subfolder}; null where no Load Image is linked.
export function photoFile(node, input) {
  const origin = originOf(node, input)?.node;
  if (origin?.type !== "LoadImage") return null;
  const name = origin.widgets?.find((widget) => widget.name === "image")?.value;
  if (typeof name !== "string" || !name) return null;
  const path = name.replace(/ \[input\]$/, "").split("/");
  return { name, filename: path.pop(), subfolder: path.join("/") };
}

// All nodes that add people and are reached from a node's `people` input, the first of the chain first; `isWide` counts those
// who are mixed into somebody else.
export function chainOf(node, isWide = false) {
  const found = [];
  const visit = (each, seen) => {
    if (!each || seen.has(each)) return;
    seen.add(each);
    for (const input of each.inputs ?? []) {
      if (input.type === "LIKENESS_PEOPLE" && (isWide || input.name === "people")) visit(originOf(each, input.name)?.node, seen);
    }
    if (ADDING.includes(each.type) && !found.includes(each)) found.push(each);
  };
  visit(originOf(node, "people")?.node, new Set());
  return found;
}

// The nodes of a whole graph that add a person whom nothing takes that puts people into a model, saves or compares them.
export function outsideOf() {
  const all = [...nodesOf()];
  const taking = all.filter((node) => TAKING.test(node.comfyClass ?? ""));
  const reached = new Set(taking.flatMap((node) => chainOf(node, true)));
  return all.filter((node) => ADDING.includes(node.type) && (node.mode ?? 0) === 0 && !reached.has(node));
}

// Put a node that adds a person behind the last of a chain: chain → it → what took the chain. False where that cannot be.
export function connect(adding, applier) {
  const taking = applier.inputs?.findIndex((input) => input.name === "people") ?? -1;
  const slot = adding.outputs?.findIndex((output) => output.name === "people") ?? -1;
  const own = adding.inputs?.findIndex((input) => input.name === "people") ?? -1;
  if (taking < 0 || slot < 0 || adding.graph !== applier.graph) return false;
  const link = linkOf(applier.graph, applier.inputs[taking].link);
  const last = link && applier.graph.getNodeById(link.origin_id);
  if (last && own >= 0 && adding.inputs[own].link == null) last.connect(link.origin_slot, adding, own);
  else if (last) return false;
  adding.connect(slot, applier, taking);
  return true;
}
