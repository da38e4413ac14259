// Registers what the pack adds to the page; the only file with side effects.

import { app } from "../../../scripts/app.js";
import * as curves from "./curve_view.js";
import { startLive } from "./live.js";
import * as routing from "./routing_view.js";
import { restore } from "./shown.js";

app.registerExtension({
  name: "likeness.live",
  setup: startLive,
  onNodeOutputsUpdated: restore,
  nodeCreated(node) {
    for (const view of [routing, curves]) if (node.comfyClass === view.NODE) view.nodeCreated(node);
  },
});
