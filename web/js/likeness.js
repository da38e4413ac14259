// Registers what the pack adds to the page; the only file with side effects.

import { app } from "../../../scripts/app.js";
import { curves } from "./curve_view.js";
import { doctor } from "./doctor.js";
import { errors } from "./errors.js";
import { facePicker } from "./face_picker.js";
import { live } from "./live.js";
import { people } from "./people.js";
import { routing } from "./routing_view.js";
import { sockets } from "./sockets.js";
import { guarded } from "./widget.js";

const EXTENSIONS = [curves, doctor, errors, facePicker, live, people, routing, sockets];
for (const extension of EXTENSIONS) app.registerExtension(guarded(extension));
