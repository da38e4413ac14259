// What the server tells of runs that go on, and to which view it belongs. The server tells only pages that said that they listen.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

export const EVENTS = { routing: "likeness.routing", guidance: "likeness.guidance" };
const LISTEN = "/likeness/listen";
const views = new WeakMap(); // node → what is called with (kind, what was told, address of the preview)
const previews = new Map(); // id of a node that samples → address of its last preview
let told = null; // the id under which the server knows that we listen

// Call a view of a node with everything that is told of the runs it shows.
export function onLive(node, show) {
  views.set(node, show);
}

// The node with an id as the server has it, "7" or "12:7" in a subgraph, or as the page keeps its outputs: subgraph, ":", id.
export function findNode(id) {
  const root = app.rootGraph ?? app.graph;
  const [first, ...rest] = String(id).split(":");
  const inside = root?.subgraphs?.get?.(first);
  if (inside) return nodeOf(inside, rest[0]);
  let node = nodeOf(root, first);
  for (const part of rest) node = nodeOf(node?.subgraph, part);
  return node;
}

function nodeOf(graph, id) {
  return graph?.getNodeById(Number(id)) ?? graph?.getNodeById(id) ?? null;
}

// The last preview of a node that samples, by its id as the server has it.
export function previewOf(id) {
  return previews.get(String(id)) ?? null;
}

// Listen from now on; once, when the page is set up.
export function startLive() {
  for (const [kind, event] of Object.entries(EVENTS)) {
    api.addEventListener(event, ({ detail }) => tell(kind, detail));
  }
  api.addEventListener("b_preview_with_metadata", ({ detail }) => keepPreview(detail));
  api.addEventListener("execution_start", forgetPreviews);
  api.addEventListener("status", () => sayThatWeListen());
  api.addEventListener("reconnected", () => sayThatWeListen(true));
  sayThatWeListen();
}

async function sayThatWeListen(again = false) {
  const id = api.clientId;
  if (!id || (id === told && !again)) return;
  told = id;
  try {
    const answer = await api.fetchApi(LISTEN, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ client_id: id }),
    });
    if (!answer.ok) told = null;
  } catch {
    told = null; // the next status asks again
  }
}

function tell(kind, detail) {
  for (const id of detail?.views ?? []) {
    const node = findNode(id);
    views.get(node)?.(kind, detail);
  }
}

function keepPreview({ blob, displayNodeId }) {
  const id = String(displayNodeId);
  const before = previews.get(id);
  previews.set(id, URL.createObjectURL(blob));
  if (before) setTimeout(() => URL.revokeObjectURL(before), 2000); // a view may still be reading it
}

function forgetPreviews() {
  for (const address of previews.values()) setTimeout(() => URL.revokeObjectURL(address), 2000);
  previews.clear();
}
