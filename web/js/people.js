// The people of a chain, in the nodes that put them into a model.

// What app.registerExtension takes.
export const people = { name: "Likeness.People" };
