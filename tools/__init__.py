"""Programs for developers: environments, a headless ComfyUI, random weights, the demo and the test runner."""
