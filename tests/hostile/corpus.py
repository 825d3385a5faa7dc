"""All bad files; none is stored, each is made when it is wanted."""

from tests.hostile import bombs, damage, disguises, lies, references, words
from tests.hostile.case import Case

CORPUS: tuple[Case, ...] = (
    *disguises.CASES,
    *references.CASES,
    *lies.CASES,
    *bombs.CASES,
    *words.CASES,
    *damage.CASES,
)
