"""What accounts are found by: each word of a name or an address, folded, together with what follows it."""

import unicodedata

import regex

LONGEST_WORD = 64
# Of a search; each is looked up for each account that the rarest one finds.
MOST_TERMS = 8
# Letters that are no plain letter with a mark, so that nothing takes them apart.
PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n"}
)
# Letters that people also write as two, as German and the Nordic languages do where there is no mark.
AS_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
BETWEEN_CHUNKS = regex.compile(r"[\s@]+")
APOSTROPHES = regex.compile("['’‘ʼ`]")
BREAKS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
# A word begins after a break, and with each letter of the scripts that put no spaces between words.
UNSPACED = "".join(
    rf"\p{{Script={script}}}"
    for script in ("Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar")
)  # fmt: skip
STARTS = regex.compile(rf"(?<![^.])[^.]|(?=[{UNSPACED}])\p{{L}}")


def words_of(*texts: str) -> frozenset[str]:
    """Return what the account with these names and addresses is found by.

    Each word stands there with the rest of its part of the name, its local part or its domain, breaks as dots:
    `jane.m@mail.example.com` gives `jane.m`, `m`, `mail.example.com`, `example.com` and `com`. So words that follow
    each other are found by one beginning, a domain too. `Müller` gives `muller` and `mueller`.
    """
    spellings = {spelling for text in texts for spelling in (_fold(text), _fold(_with_two_letters(text)))}
    found: set[str] = set()
    for part in {part for spelling in spellings for part in BETWEEN_CHUNKS.split(spelling)}:
        for chunk in {_dotted(part), _dotted(APOSTROPHES.sub("", part))}:
            found.update(chunk[start.start() :][:LONGEST_WORD] for start in STARTS.finditer(chunk))
    return frozenset(found)


def terms_of(text: str) -> tuple[str, ...]:
    """Return what words of an account must begin with, each of these, for a search to find it; eight count."""
    chunks = [_dotted(part)[:LONGEST_WORD] for part in BETWEEN_CHUNKS.split(_fold(text))]
    terms = dict.fromkeys(chunk for chunk in chunks if chunk)
    # What begins like another one finds that one's accounts anyway.
    needed = [term for term in terms if not any(other != term and other.startswith(term) for other in terms)]
    return tuple(needed[:MOST_TERMS])


def _fold(text: str) -> str:
    """Return a text without case, width and marks; composed, so that a syllable of Hangul is one letter."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare.translate(PLAIN))


def _with_two_letters(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower()).translate(AS_TWO)


def _dotted(part: str) -> str:
    return BREAKS.sub(".", part).strip(".")
