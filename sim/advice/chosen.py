"""Which systems are tried: all that apply, or those that somebody asks about."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sim.advice.data import Preset
from sim.advice.own import Own
from sim.foundation.errors import LabError, unknown

YOURS = "yours"
"""The word for all systems of the scenario itself."""


def words_of(name: str, preset: Preset) -> set[str]:
    """By what a system may be called: its name, its product and kin; of one's own, `yours`."""
    words = {name, str(preset.system["product"]), *preset.kin}
    return words | ({YOURS, preset.name} if isinstance(preset, Own) else set())


def chosen(
    systems: Mapping[str, Preset],
    why_not: Mapping[str, str],
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[str]:
    """The names of the systems to try.

    Args:
        systems: all, by name: presets, and the scenario's own.
        why_not: of those that do not apply, why.
        only: words of `words_of`, with `*` and `?`; several may stand in one, with commas between.
            None: every system.
        without: the same, of systems not to try.

    Raises:
        LabError: a word names no system, or none that applies; or none is left.
    """
    called = {name: words_of(name, preset) for name, preset in systems.items()}
    wanted = set(called)
    if asked := _words(only):
        wanted = set()
        for word in asked:
            found = _named("--only", word, called)
            if all(name in why_not for name in found):
                whys = "; ".join(dict.fromkeys(why_not[name] for name in found))
                raise LabError(f"--only {word}: does not apply here: {whys}")
            wanted |= found
    for word in _words(without):
        wanted -= _named("--without", word, called)
    left = [name for name in called if name in wanted and name not in why_not]
    if not left and (asked or _words(without)):
        raise LabError("--without leaves no system to try")
    return left


def _words(given: Sequence[str]) -> list[str]:
    return [word for text in given for part in text.split(",") if (word := part.strip())]


def _named(option: str, word: str, called: Mapping[str, set[str]]) -> set[str]:
    found = {
        name
        for name, words in called.items()
        if any(fnmatchcase(one.lower(), word.lower()) for one in words)
    }
    if not found:
        known = list(dict.fromkeys(one for words in called.values() for one in sorted(words)))
        raise LabError(f"{option}: {unknown('system', word, known)}")
    return found
