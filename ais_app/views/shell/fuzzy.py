"""Finding actions by a few letters: every word typed must be found, at the start of a word best of all."""

from __future__ import annotations

SUBSTRING, START, WORD_START, SCATTERED = 40.0, 100.0, 80.0, 20.0


def score(pattern: str, text: str) -> float | None:
    """Tell how well a text fits what was typed.

    Parameters
    ----------
    pattern
        Words; each must be in the text, as a part of it or with its letters in order from the start of a word.
    text
        What is searched.

    Returns
    -------
    float or None
        Larger is better; ``None`` when it does not fit. Nothing typed fits everything equally.
    """
    text = text.lower()
    total = 0.0
    for word in pattern.lower().split():
        found = _word_score(word, text)
        if found is None:
            return None
        total += found
    # of two that fit alike the shorter one is meant
    return total - 0.05 * len(text)


def _word_score(word: str, text: str) -> float | None:
    if text.startswith(word):
        return START
    if f" {word}" in text:
        return WORD_START
    if word in text:
        return SUBSTRING
    return _scattered(word, text)


def _scattered(word: str, text: str) -> float | None:
    """Score letters that are in order but not together, such as "nsl" in "next slice"; the first starts a word."""
    starts = [place for place in range(len(text)) if text[place] == word[0] and (place == 0 or text[place - 1] == " ")]
    for start in starts:
        place, gaps = start, 0
        for letter in word[1:]:
            following = text.find(letter, place + 1)
            if following < 0:
                break
            gaps += following - place - 1
            place = following
        else:
            if gaps <= 4 * len(word):
                return SCATTERED - gaps
    return None
