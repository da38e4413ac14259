// Registers what the pack adds to the page; the only file that does anything by being loaded.

import { app } from "../../../scripts/app.js";
import { errors } from "./errors.js";
import { facePicker } from "./face_picker.js";
import { people } from "./people.js";
import { runs } from "./runs.js";
import { sockets } from "./sockets.js";

for (const extension of [errors, runs, sockets, facePicker, people]) app.registerExtension(extension);
