// What nodes show of runs, while these go on and afterwards.

import * as curves from "./curve_view.js";
import { startLive } from "./live.js";
import * as routing from "./routing_view.js";
import { restore } from "./shown.js";

export const runs = {
  name: "likeness.runs",
  setup: startLive,
  onNodeOutputsUpdated: restore,
  nodeCreated(node) {
    for (const view of [routing, curves]) if (node.comfyClass === view.NODE) view.nodeCreated(node);
  },
};
