// What went wrong, in our own sentence: inside the node until the next run, and as a message of the page where it has no
// dialog that says so.

import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { findNode } from "./live.js";

const OURS = /^likeness\.\w+$/; // exception_type, as models/errors.py has it shown
const WIDGET = "likeness_error";
const LINE_HEIGHT = 18;
const LETTER_WIDTH = 7;
const PADDING = 20; // above and below the text together, and on each side of it
const MARGIN = 20; // above and below the box together, as the page lays it out
const MOST_LINES = 12; // a longer text is scrolled

const shown = new Map(); // node -> its widget, and by how much it grew

/** A sentence with the labels that the node shows in place of the identifiers of its inputs. */
function inWords(sentence, node) {
  let text = sentence;
  for (const { name, label, localized_name } of [...(node?.inputs ?? []), ...(node?.widgets ?? [])]) {
    const shownName = label || localized_name;
    if (!name?.includes("_") || !shownName || shownName === name) continue;
    text = text.replaceAll(new RegExp(`['"\u0060]?\\b${name}\\b['"\u0060]?`, "g"), () => `“${shownName}”`);
  }
  return text;
}

function heightOf(text, width) {
  const letters = Math.max(10, (width - 2 * PADDING) / LETTER_WIDTH);
  return MARGIN + PADDING + LINE_HEIGHT * Math.min(MOST_LINES, Math.ceil(text.length / letters));
}

function element(text) {
  const box = document.createElement("div");
  box.className = "likeness-error";
  box.setAttribute("role", "alert");
  box.tabIndex = 0; // what is longer than the box is scrolled by keys
  box.textContent = text;
  Object.assign(box.style, {
    boxSizing: "border-box",
    padding: "8px 10px",
    overflow: "auto",
    overflowWrap: "anywhere",
    userSelect: "text",
    whiteSpace: "pre-line",
    font: `12px/${LINE_HEIGHT}px sans-serif`,
    color: "#ffe9e6",
    background: "#7a1f16",
    borderRadius: "6px",
  });
  return box;
}

/** Show a sentence at the end of a node. */
function show(node, text) {
  clear(node);
  const height = heightOf(text, node.size[0]);
  const widget = node.addDOMWidget(WIDGET, "likeness_error", element(text), {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => height,
    getMaxHeight: () => height,
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false; // else the saved workflow has one more value
  shown.set(node, { widget, height });
  resize(node, height);
  node.setDirtyCanvas?.(true, true);
}

/** Take the sentence off a node. */
function clear(node) {
  const found = shown.get(node);
  if (!found) return;
  shown.delete(node);
  node.removeWidget(found.widget);
  resize(node, -found.height);
}

/** Make a node higher or lower; what it shows after a run keeps its room. */
function resize(node, by) {
  node.setSize([node.size[0], Math.max(node.computeSize()[1], node.size[1] + by)]);
  node.setDirtyCanvas?.(true, true);
}

function clearAll() {
  for (const node of [...shown.keys()]) clear(node);
}

/** Whether the page of this version shows an error's own text by itself, in a dialog. */
function hasDialog() {
  const [major, minor] = (window.__COMFYUI_FRONTEND_VERSION__ ?? "0.0").split(".").map(Number);
  return major < 1 || (major === 1 && minor < 33);
}

function onError({ detail }) {
  if (!OURS.test(detail?.exception_type ?? "")) return;
  const node = findNode(detail.node_id);
  const sentence = inWords(String(detail.exception_message ?? "").trim(), node);
  if (node) show(node, sentence);
  if (hasDialog()) return;
  const title = String(node?.title ?? detail.node_type ?? "Likeness");
  app.extensionManager?.toast?.add?.({ severity: "error", summary: title, detail: sentence });
}

export const errors = {
  name: "Likeness.Errors",
  setup() {
    api.addEventListener("execution_error", onError);
    api.addEventListener("execution_start", clearAll);
  },
  beforeConfigureGraph() {
    shown.clear(); // the nodes of the workflow before are gone
  },
};
