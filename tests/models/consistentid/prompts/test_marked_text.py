from likeness.models.consistentid.prompts.marked_text import MARKER, ComposedPrompt, Mark


def test_markers_stand_behind_their_words_whoever_s_they_are():
    text = "two men; a face, blue eyes"
    marks = (Mark(1, "eyes", 26), Mark(0, "face", 15))
    marked = ComposedPrompt(text, marks, ((9, 15), (17, 26))).marked_text
    assert marked == f"two men; a face {MARKER}, blue eyes {MARKER}"
