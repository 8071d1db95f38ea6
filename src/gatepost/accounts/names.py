"""What a user name and an e-mail address may be, and when two of them are the same."""

import unicodedata
from dataclasses import dataclass

import regex
from email_validator import EmailNotValidError, validate_email
from precis_i18n import get_profile

LONGEST_USERNAME = 64
LONGEST_EMAIL = 254
# RFC 5321, section 4.5.3.1, and RFC 6531, section 3.1: octets of UTF-8. What stands behind the @ has at most 253.
LONGEST_LOCAL_OCTETS = 64
NO_ADDRESS = "this is not an e-mail address"
# RFC 8265, section 3.3 and 3.4.
CASE_MAPPED = get_profile("UsernameCaseMapped")
CASE_PRESERVED = get_profile("UsernameCasePreserved")

# UAX 31, table 5: the scripts in wide use today; and UTS 39, section 5.2: those that are written together.
ALONE = [
    "Arabic",
    "Armenian",
    "Bengali",
    "Cyrillic",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Hebrew",
    "Kannada",
    "Khmer",
    "Lao",
    "Latin",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
]
TOGETHER = (
    ("Latin", "Han", "Hiragana", "Katakana"),
    ("Latin", "Han", "Bopomofo"),
    ("Latin", "Han", "Hangul"),
)


def _one_script(scripts: tuple[str, ...]) -> str:
    return "[" + "".join(rf"\p{{Script={script}}}" for script in (*scripts, "Common", "Inherited")) + "]+"


UNMIXED = regex.compile("|".join(_one_script(scripts) for scripts in (*((one,) for one in ALONE), *TOGETHER)))


@dataclass(frozen=True, slots=True)
class Name:
    """A name as its owner wrote it, and the form in which it is compared."""

    display: str
    canonical: str


def parse_username(text: str) -> Name:
    """Read a new user name: parts joined by single spaces (RFC 8265, section 3.5), each of one script.

    Raises:
        ValueError: it cannot be a user name; the message is for its owner.
    """
    name = read_username(text)
    if max(len(name.display), len(name.canonical)) > LONGEST_USERNAME:
        raise ValueError(f"a user name has at most {LONGEST_USERNAME} characters")
    return name


def read_username(text: str) -> Name:
    """Read a user name that may have been given before there was a bound to its canonical form.

    Raises:
        ValueError: it cannot be one; the message is for its owner.
    """
    if len(text) > LONGEST_USERNAME:
        raise ValueError(f"a user name has at most {LONGEST_USERNAME} characters")
    parts = text.strip(" ").split(" ")
    try:
        name = Name(
            " ".join(CASE_PRESERVED.enforce(part) for part in parts),
            # Mapping to lower case can bring in a sequence that composes, and the second pass does that.
            " ".join(CASE_MAPPED.enforce(CASE_MAPPED.enforce(part)) for part in parts),
        )
    except UnicodeEncodeError:
        raise ValueError("a user name has letters, digits and . _ - in words joined by single spaces") from None
    # Asked of the prepared name: a full-width @ has become a plain one, and the name an address.
    if "@" in name.canonical:
        raise ValueError("a user name has no @; the e-mail address has a field of its own")
    if not all(UNMIXED.fullmatch(part) for part in name.canonical.split(" ")):
        raise ValueError("a word of a user name is written in one script")
    return name


def parse_email(text: str) -> Name:
    """Read a new e-mail address; no network is asked.

    Two addresses are the same when they differ in case, width or the spelling of an international domain.

    Raises:
        ValueError: it is not an address, or its canonical form is none; the message is for its owner.
    """
    name = read_email(text)
    # Normalised, one letter can become eighteen.
    if any(len(form.rpartition("@")[0].encode()) > LONGEST_LOCAL_OCTETS for form in (name.display, name.canonical)):
        raise ValueError(f"an e-mail address has at most {LONGEST_LOCAL_OCTETS} octets before the @")
    # It can become an @ or a space, too, which no address has there.
    if not name.display.isascii() and read_email(name.canonical).canonical != name.canonical:
        raise ValueError(NO_ADDRESS)
    return name


def read_email(text: str) -> Name:
    """Read an e-mail address that may have been given before there was a bound to its canonical form.

    Raises:
        ValueError: it is not an address; the message is for its owner.
    """
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(NO_ADDRESS) from None
    local = unicodedata.normalize("NFKC", address.local_part).casefold()
    domain = address.ascii_domain or address.domain
    return Name(address.normalized, f"{unicodedata.normalize('NFC', local)}@{domain.lower()}")


def mailbox_of(email: str) -> str:
    """Return what servers tell mailboxes apart by: an address as it is written, but for the case of plain letters.

    Two that count as one account's, such as `ab@` in full width and in half, may be two people's.
    """
    return email.encode().lower().decode()  # of bytes, lower() knows plain letters alone


def canonical_identifier(text: str) -> tuple[str, str] | None:
    """Say what a sign-in names: ("username" or "email", its canonical form); None for what nobody is called."""
    try:
        if "@" in text:
            return "email", read_email(text.strip()).canonical
        return "username", read_username(text).canonical
    except ValueError:
        return None
