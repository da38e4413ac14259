// Check Models: a button in the node that opens the model doctor's report, with a row for each file.
// Files are fetched or converted only by a click on that file's own button. All text is set as text, never as markup.

import { api } from "../../../scripts/api.js";

const NODE = "LikenessCheckModels";
const PLACE = "/likeness/models";
const EVENT = "likeness.models";
const WIDGET = "likeness_models";
const EVERYTHING = "everything";
const HEIGHT = 34; // of the button in the node, pixels
const POLL = 2000; // milliseconds between two looks at a job, should its events get lost

const STYLE = `
.likeness-doctor { width: min(60rem, 94vw); max-height: 88vh; padding: 0; border-radius: 8px; overflow: hidden;
  color: var(--input-text, #ddd); background: var(--comfy-menu-bg, #222); border: 1px solid var(--border-color, #555);
  font: 14px/1.45 sans-serif; }
.likeness-doctor[open] { display: flex; flex-direction: column; }
.likeness-doctor::backdrop { background: rgb(0 0 0 / 55%); }
.likeness-doctor header { display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; padding: .7rem 1rem;
  border-bottom: 1px solid var(--border-color, #555); }
.likeness-doctor h2 { margin: 0 auto 0 0; font-size: 1.1rem; }
.likeness-doctor h3 { margin: 1rem 0 .3rem; font-size: 1rem; }
.likeness-doctor main { overflow: auto; padding: .2rem 1rem 1rem; }
.likeness-doctor ul { list-style: none; margin: 0; padding: 0; }
.likeness-doctor li { display: flex; gap: .8rem; align-items: flex-start; padding: .45rem 0;
  border-bottom: 1px solid var(--border-color, #4448); }
.likeness-doctor li > div { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.likeness-doctor small { display: block; opacity: .85; }
.likeness-doctor button, .likeness-doctor select, .likeness-doctor a.button, .likeness-doctor-open {
  color: var(--input-text, #ddd); background: var(--comfy-input-bg, #333); border: 1px solid var(--border-color, #666);
  border-radius: 4px; padding: .25rem .7rem; font: inherit; cursor: pointer; text-decoration: none; white-space: nowrap; }
.likeness-doctor select { max-width: 100%; white-space: normal; }
.likeness-doctor button:disabled { opacity: .5; cursor: default; }
.likeness-doctor :focus-visible, .likeness-doctor-open:focus-visible { outline: 2px solid #6ab0ff; outline-offset: 1px; }
.likeness-doctor progress { width: 100%; }
.likeness-doctor-open { width: 100%; font: 12px sans-serif; }
`;

/** Make an element with a text, and what goes into it. */
function make(tag, text = "", ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function addStyle() {
  const id = "likeness-doctor-style";
  if (document.getElementById(id)) return;
  const style = make("style", STYLE);
  style.id = id;
  document.head.append(style);
}

/** A number of bytes for a reader. */
function amount(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${bytes} bytes`;
}

/** Ask the server; what it refuses comes back as {error: a sentence}. */
async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, client_id: api.clientId ?? "" }),
  };
  try {
    const response = await api.fetchApi(path, options);
    return await response.json();
  } catch (error) {
    return { error: `ComfyUI did not answer (${error.message}); is it still running?` };
  }
}

function terms(file) {
  return make("small", `Licence: ${file.licence}. Commercial use: ${file.commercial}.`);
}

function section(title, rows) {
  return rows.length ? [make("h3", title), make("ul", "", ...rows)] : [];
}

/** The open report; one at a time. */
class Report {
  constructor(choice) {
    this.choice = choice;
    this.job = null;
    this.timer = null;
    this.asked = 0;
    this.onJob = (event) => this.showJob(event.detail?.job);
    this.onKey = (event) => {
      if (event.key === "Escape") this.dialog.close();
    };
    this.dialog = make("dialog");
    this.dialog.className = "likeness-doctor";
    this.dialog.setAttribute("aria-label", "Model files");
    this.select = make("select");
    this.select.setAttribute("aria-label", "for");
    this.select.addEventListener("change", () => this.load(this.select.value));
    const again = make("button", "Look again");
    again.addEventListener("click", () => this.load(this.choice));
    const close = make("button", "Close");
    close.addEventListener("click", () => this.dialog.close());
    this.status = make("p");
    this.status.setAttribute("role", "status");
    this.bar = make("progress");
    this.bar.setAttribute("aria-label", "progress");
    this.bar.hidden = true;
    this.content = make("div");
    this.dialog.append(
      make("header", "", make("h2", "Model files"), this.select, again, close),
      make("main", "", this.status, this.bar, this.content),
    );
    for (const name of ["keydown", "keyup", "wheel", "paste", "copy"])
      this.dialog.addEventListener(name, (event) => event.stopPropagation()); // the canvas has shortcuts of its own
    this.dialog.addEventListener("close", () => this.end());
  }

  open() {
    document.body.append(this.dialog);
    api.addEventListener(EVENT, this.onJob);
    window.addEventListener("keydown", this.onKey, true); // wherever the focus is: a button that is disabled loses it
    this.dialog.showModal();
    return this.load(this.choice);
  }

  end() {
    api.removeEventListener(EVENT, this.onJob);
    window.removeEventListener("keydown", this.onKey, true);
    clearTimeout(this.timer);
    this.asked += 1; // an answer that is still on its way is nobody's
    this.dialog.remove();
  }

  async load(choice) {
    this.choice = choice;
    const asked = ++this.asked;
    this.say("Looking into the model folders …");
    const data = await ask(`${PLACE}?for=${encodeURIComponent(choice)}`);
    if (asked !== this.asked) return;
    this.say(data.error ?? "");
    if (data.error) return;
    this.select.replaceChildren(
      ...data.choices.map((name) => {
        const option = make("option", name);
        option.value = name;
        option.selected = name === choice;
        return option;
      }),
    );
    this.show(data);
    this.showJob(data.job);
  }

  say(text) {
    this.status.textContent = text;
  }

  show(data) {
    const known = new Map(data.known.map((file) => [file.name, file]));
    const named = (names) => names.map((name) => this.published(known.get(name)));
    const others = data.known.filter((file) => !file.there && ![...data.needed, ...data.optional].includes(file.name));
    this.content.replaceChildren(
      ...section("What is needed", data.methods.map((state) => this.method(state))),
      ...section("Missing", named(data.needed)),
      ...section("Found", data.files.filter((file) => !file.fault).map((file) => this.found(file))),
      ...section("Not usable", data.files.filter((file) => file.fault).map((file) => this.found(file))),
      ...section("Not there, and not needed", named(data.optional)),
      ...section("Other published files", others.map((file) => this.published(file))),
      make("p", data.note),
    );
    this.enable();
    if (!this.dialog.contains(document.activeElement)) this.select.focus(); // the button of a row that is gone had it
  }

  method(state) {
    const missing = state.wants.filter((want) => want.missing && !want.optional).map((want) => want.purpose);
    const lacking = state.wants.filter((want) => want.missing && want.optional);
    const without = lacking.map((want) => `${want.purpose} (for ${want.optional})`).join("; ");
    const title = `${state.ready ? "✓" : "✗"} ${state.method}${state.base ? `, ${state.base}` : ""}: `;
    const text = make("div", title + (state.ready ? "ready" : `missing: ${missing.join(", ")}`));
    if (without) text.append(make("small", `Not there, and not needed: ${without}`));
    if (state.note) text.append(make("small", state.note));
    return make("li", "", text);
  }

  published(file) {
    const where = `${file.what}; ${file.size}, into models/${file.folder}`;
    const hash = file.downloadable && !file.hash ? make("small", "Its hash is not known here; the server's is compared.") : "";
    const text = make("div", file.name, make("small", where), terms(file), hash);
    return make("li", "", text, file.downloadable ? this.act("Download", "download", { name: file.name }) : this.link(file));
  }

  found(file) {
    const said = [file.what, file.base && `for ${file.base}`, file.encoder && `image encoder ${file.encoder}`, amount(file.bytes)];
    const text = make("div", `${file.folder}/${file.name}`, make("small", file.fault ?? said.filter(Boolean).join(", ")));
    if (file.belongs.length)
      text.append(make("small", `It belongs into ${file.belongs.map((name) => `models/${name}`).join(" or ")}.`));
    if (file.differs) text.append(make("small", "Its size is not that of the published file of this name."));
    text.append(make("small", file.path));
    if (!file.fault) text.append(terms(file));
    const row = make("li", "", text);
    if (file.convertible) row.append(this.act("Convert to safetensors", "convert", { folder: file.folder, name: file.name }));
    return row;
  }

  link(file) {
    const link = make("a", "Open its page");
    link.className = "button";
    if (file.page.startsWith("https://")) link.href = file.page;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  }

  act(label, verb, body) {
    const button = make("button", label);
    button.dataset.act = verb;
    button.setAttribute("aria-label", `${label} ${body.name}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      const answer = await ask(`${PLACE}/${verb}`, body);
      if (answer.error) this.say(answer.error);
      else this.showJob(answer.job);
      this.enable();
    });
    return button;
  }

  enable() {
    const busy = this.job?.state === "running";
    for (const button of this.content.querySelectorAll("button[data-act]")) button.disabled = busy;
  }

  showJob(job) {
    clearTimeout(this.timer);
    if (!job) return;
    const ended = this.job?.state === "running" && job.state !== "running";
    this.job = job;
    const running = job.state === "running";
    this.bar.hidden = !running;
    if (job.total) {
      this.bar.max = job.total;
      this.bar.value = job.done;
    } else this.bar.removeAttribute("value");
    const part = job.total ? `: ${amount(job.done)} of ${amount(job.total)}` : " …";
    if (running) this.say(`${job.verb} ${job.name}${part}`);
    this.enable();
    if (running) this.timer = setTimeout(async () => this.showJob((await ask(`${PLACE}/job`)).job), POLL);
    if (ended) this.load(this.choice).then(() => this.say(job.said));
  }
}

/** The method that the node's widget names. */
function chosen(node) {
  const widget = node.widgets?.find((each) => each.name === "method");
  return typeof widget?.value === "string" ? widget.value : EVERYTHING;
}

/** Let the node be as high as what is in it. */
function fit(node) {
  const needed = node.computeSize();
  if (node.size[1] < needed[1]) node.setSize([node.size[0], needed[1]]);
}

function addButton(node) {
  if (node.widgets?.some((widget) => widget.name === WIDGET)) return;
  addStyle();
  const button = make("button", "Show and fetch model files");
  button.className = "likeness-doctor-open";
  button.type = "button";
  button.addEventListener("click", () => new Report(chosen(node)).open());
  const holder = make("div", "", button);
  const options = { serialize: false, hideOnZoom: false, getMinHeight: () => HEIGHT, getMaxHeight: () => HEIGHT };
  const widget = node.addDOMWidget(WIDGET, "likeness_models", holder, options);
  widget.serialize = false; // else widgets_values of saved workflows grows by one
  fit(node);
}

/** What app.registerExtension takes. */
export const doctor = {
  name: "Likeness.Doctor",
  nodeCreated(node) {
    if (node.comfyClass === NODE) addButton(node);
  },
  loadedGraphNode(node) {
    if (node.comfyClass === NODE) fit(node);
  },
};
