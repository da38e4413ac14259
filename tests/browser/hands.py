"""A mouse and a keyboard for a page."""

from __future__ import annotations

from likeness.tests.browser.chromium import Page

CODES = {" ": ("Space", 32), "Enter": ("Enter", 13), "Tab": ("Tab", 9)}
MIDDLE = """
(() => {
  const box = (%s).getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})()
"""
BOUNDS = "(() => { const box = (%s).getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom] })()"


def mouse(page: Page, kind: str, x: float, y: float, pressed: int = 0) -> None:
    page.send(
        "Input.dispatchMouseEvent",
        type=kind,
        x=x,
        y=y,
        button="left" if pressed else "none",
        buttons=pressed,
        clickCount=1,
    )


def click(page: Page, element: str) -> None:
    """Click the middle of an element, given as JavaScript."""
    x, y = page.evaluate(MIDDLE % element)
    mouse(page, "mouseMoved", x, y)
    mouse(page, "mousePressed", x, y, 1)
    mouse(page, "mouseReleased", x, y, 1)


def drag(page: Page, element: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of an element to another, both as fractions of it."""
    left, top, right, bottom = page.evaluate(BOUNDS % element)
    places = [(left + x * (right - left), top + y * (bottom - top)) for x, y in (start, end)]
    (ax, ay), (bx, by) = places
    mouse(page, "mouseMoved", ax, ay)
    mouse(page, "mousePressed", ax, ay, 1)
    mouse(page, "mouseMoved", (ax + bx) / 2, (ay + by) / 2, 1)
    mouse(page, "mouseMoved", bx, by, 1)
    mouse(page, "mouseReleased", bx, by, 1)


def key(page: Page, name: str) -> None:
    """Press and release a key as a keyboard does, with the text that it writes."""
    code, number = CODES[name]
    text = {" ": " ", "Enter": "\r"}.get(name)
    written = {"text": text} if text else {}
    page.send("Input.dispatchKeyEvent", type="keyDown", key=name, code=code, windowsVirtualKeyCode=number, **written)
    page.send("Input.dispatchKeyEvent", type="keyUp", key=name, code=code, windowsVirtualKeyCode=number)
