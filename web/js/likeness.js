// Registers what the pack adds to the page; the only file with side effects.

import { app } from "../../../scripts/app.js";
import { facePicker } from "./face_picker.js";
import { people } from "./people.js";
import { guarded } from "./widget.js";

for (const extension of [facePicker, people]) app.registerExtension(guarded(extension));
