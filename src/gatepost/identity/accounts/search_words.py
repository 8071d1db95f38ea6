"""The search words of accounts: each word of a name or an address, folded, together with what follows it."""

import unicodedata

import regex

LONGEST_WORD = 64
# Terms per search; each is looked up for every account that matches the rarest one.
MOST_TERMS = 8
# Letters that normalization does not decompose into a plain letter and a mark.
PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n"}
)
# Letters that people also write as two, as in German and the Nordic languages if there is no mark.
AS_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
BETWEEN_CHUNKS = regex.compile(r"[\s@]+")
APOSTROPHES = regex.compile("['’‘ʼ`]")
BREAKS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
# A word starts after a break, and at each letter of scripts without spaces between words.
UNSPACED = "".join(
    rf"\p{{Script={script}}}"
    for script in ("Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar")
)  # fmt: skip
STARTS = regex.compile(rf"(?<![^.])[^.]|(?=[{UNSPACED}])\p{{L}}")


def words_of(*texts: str) -> frozenset[str]:
    """Return the search words of an account with these names and addresses.

    Each word includes the rest of its part of the name, of the local part or of the domain, with dots as breaks:
    `jane.m@mail.example.com` gives `jane.m`, `m`, `mail.example.com`, `example.com` and `com`. So consecutive words,
    and domains, are found by one prefix. `Müller` gives `muller` and `mueller`.
    """
    spellings = {spelling for text in texts for spelling in (_fold(text), _fold(_with_two_letters(text)))}
    found: set[str] = set()
    for part in {part for spelling in spellings for part in BETWEEN_CHUNKS.split(spelling)}:
        for chunk in {_dotted(part), _dotted(APOSTROPHES.sub("", part))}:
            found.update(chunk[start.start() :][:LONGEST_WORD] for start in STARTS.finditer(chunk))
    return frozenset(found)


def terms_of(text: str) -> tuple[str, ...]:
    """Return the terms of a search: for each of them, an account must have a word with that prefix. At most eight."""
    chunks = [_dotted(part)[:LONGEST_WORD] for part in BETWEEN_CHUNKS.split(_fold(text))]
    terms = dict.fromkeys(chunk for chunk in chunks if chunk)
    # A term that is a prefix of another one matches the same accounts anyway.
    needed = [term for term in terms if not any(other != term and other.startswith(term) for other in terms)]
    return tuple(needed[:MOST_TERMS])


def _fold(text: str) -> str:
    """Remove case, width and marks; the result is composed, so that a Hangul syllable is one letter."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare.translate(PLAIN))


def _with_two_letters(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower()).translate(AS_TWO)


def _dotted(part: str) -> str:
    return BREAKS.sub(".", part).strip(".")
