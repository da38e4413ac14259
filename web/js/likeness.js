// Registers what the pack adds to the page; the only file with side effects.

import { app } from "../../../scripts/app.js";
import { doctor } from "./doctor.js";
import { errors } from "./errors.js";
import { facePicker } from "./face_picker.js";
import { people } from "./people.js";
import { sockets } from "./sockets.js";
import { guarded } from "./widget.js";

const style = new URL("./likeness.css", import.meta.url);
document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: style }));

for (const extension of [doctor, errors, facePicker, people, sockets]) app.registerExtension(guarded(extension));
