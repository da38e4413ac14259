"""Drawing on diffusers: a base model, and whatever a method adds to it. Each method is a wing of its name."""
