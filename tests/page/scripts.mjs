// The page's scripts in node: beside stand-ins for ComfyUI's two modules, in a folder laid out as the server shows it.

import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const STUBS = {
  "app.js": "export const app = { canvas: {}, graph: null, extensionManager: {} };",
  "api.js": "export const api = { addEventListener() {}, apiURL: (address) => address };",
};

const root = await mkdtemp(join(tmpdir(), "likeness-page-"));
after(() => rm(root, { recursive: true, force: true }));
await mkdir(join(root, "scripts"));
await writeFile(join(root, "package.json"), '{"type": "module"}');
for (const [name, text] of Object.entries(STUBS)) await writeFile(join(root, "scripts", name), text);
await cp(fileURLToPath(new URL("../../web/js", import.meta.url)), join(root, "extensions", "pack", "js"), { recursive: true });

export const load = (name) => import(pathToFileURL(join(root, "extensions", "pack", "js", name)));
export const { app } = await import(pathToFileURL(join(root, "scripts", "app.js")));

// A graph of nodes with links, as much of one as the scripts look at.
export class Graph {
  constructor() {
    this._nodes = [];
    this.links = new Map();
    app.graph ??= this;
    this.setDirtyCanvas = () => {};
  }

  getNodeById(id) {
    return this._nodes.find((node) => node.id === id) ?? null;
  }

  // inputs, outputs: name → type; values: of widgets.
  add(comfyClass, { inputs = {}, outputs = {}, values = {}, type = comfyClass } = {}) {
    const slots = (all) => Object.entries(all).map(([name, kind]) => ({ name, type: kind, link: null, links: [] }));
    const node = { id: this._nodes.length + 1, comfyClass, type, mode: 0, graph: this, inputs: slots(inputs), outputs: slots(outputs) };
    node.widgets = Object.entries(values).map(([name, value]) => ({ name, value }));
    node.connect = (slot, target, input) => this.link(node, slot, target, input);
    this._nodes.push(node);
    return node;
  }

  link(from, slot, to, input) {
    const old = this.links.get(to.inputs[input].link);
    if (old) {
      const origin = this.getNodeById(old.origin_id).outputs[old.origin_slot];
      origin.links = origin.links.filter((id) => id !== old.id);
      this.links.delete(old.id);
    }
    const id = 1 + Math.max(0, ...this.links.keys());
    this.links.set(id, { id, origin_id: from.id, origin_slot: slot, target_id: to.id, target_slot: input });
    from.outputs[slot].links.push(id);
    to.inputs[input].link = id;
  }
}
