// The face picker: the photo in the node, a numbered box for each face, and a click that takes one.

// What app.registerExtension takes.
export const facePicker = { name: "Likeness.FacePicker" };
