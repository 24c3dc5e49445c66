"""Names of files whose encoding nobody wrote down: which one makes all of them readable together.

charset-normalizer says which encodings are possible at all. On a few short words it finds most of them equally good
and leaves the choice to the alphabet, so the choice is made here: by the likelihood of all names together, where a
character is the likelier the smaller and the more usual the part of the repertoire that it comes from.
"""

import functools
import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from charset_normalizer import from_bytes

_MOST_BYTES = 8_000  # of names that are looked at: more does not make it surer
_MESS = 0.5  # of 1: few words look messier than a text does
_IMPLAUSIBLE = -10.5  # nats for a letter on average: signs and rare characters that no word is made of
_WITHIN_WORD = -3.0  # nats for a change of script or to a capital within a word: "kгe", "кОшка"
_CAPITAL = -1.5

# Usual letters by how usual they are: those of every name, of some, and of few. Where most letters are plain ASCII
# (Latin scripts), the others are few.
_WEST = ("éäöüàèáíóñçßê", "âôîûëïåøæãõúùìòœ", "ýÿðþšž¿¡ª°º·")
_CENTRAL = ("áéíčšžěřýůłąęśćżóöüő", "ńźťďňúäâîăşţűľôđçë", "ĺŕß")
_TURKISH = ("ıçşğöü", "âîû", "")
_CYRILLIC = ("оеаинтсрвлкмдпуяыьгзбчйхжшю", "цщэфъёіїєґўјљњћђџ", "")
_GREEK = ("ατοιενρσκηπςυμλίόάγέδήωχθύφβξώζψ", "ϊϋΐΰ", "")
_HEBREW = ("יוהלרבתמאשנעםדקחפסכגטצןזךףץ", "", "")
_ARABIC = ("اليمونرتبةعدسفهكقأحجشطصىخإضذزثغءظآؤئ", "پچژگ", "")
_THAI = ("านรอกเงมยลวดทสตะปบคหแจพชขใไ", "ิีุูึืำ์่้็ั๊๋โธณศญซภถผฝฟฉฐษฎฏฆฒฬฮฤฑฌ", "")
_FEW = -2.3

# The 200 syllables that most Korean names are made of.
_HANGUL = frozenset(
    "이다는의가에고하을기지사어로한자리나대은인시수도들서그일정를해게있아라마보전상여주과부스구장제요면원만우동신성조유생중공"
    "모경안용계적미비소세했연오니치국학문강개거것결관교군규금김날남내노년단당더데되드때또란래러레려르름립매명목무물민바박반발방"
    "배백번벌법변별병복본분빛산살색석선설속손송순술습실심쓰식십야약양업없역영예외운월위음의임입잔작점종지직진질집차찬참창책천"
    "청체초추축출크키타태터토통트파판편포표품풍프필항행향현형호화환활회후흑희호텔핀꽃닭말말새소쥐토끼과귤콩파감배칼컵집문꿈"
)

# Encoding -> what it is called, its usual letters (by how usual), and how much less likely it is than others, in nats.
_ALPHABETS: dict[str, tuple[str, tuple[str, str, str], float]] = {
    "cp437": ("code page 437", _WEST, 0.0),
    "cp1252": ("Windows-1252", _WEST, 0.0),
    "cp850": ("code page 850", _WEST, 0.5),
    "cp1251": ("Windows-1251", _CYRILLIC, 0.5),
    "cp866": ("code page 866", _CYRILLIC, 0.5),
    "koi8_r": ("KOI8-R", _CYRILLIC, 4.0),
    "cp1250": ("Windows-1250", _CENTRAL, 1.5),
    "cp852": ("code page 852", _CENTRAL, 1.5),
    "cp1254": ("Windows-1254", _TURKISH, 2.0),
    "cp857": ("code page 857", _TURKISH, 2.0),
    "cp1253": ("Windows-1253", _GREEK, 4.0),
    "cp737": ("code page 737", _GREEK, 4.0),
    "cp1255": ("Windows-1255", _HEBREW, 4.0),
    "cp862": ("code page 862", _HEBREW, 4.0),
    "cp1256": ("Windows-1256", _ARABIC, 4.0),
    "cp720": ("code page 720", _ARABIC, 4.0),
    "cp874": ("Windows-874", _THAI, 4.0),
}


def _gbk(code: bytes) -> float:
    if 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1:  # GB 2312 level 1: 3,755 usual characters
        return math.log(0.95 / 3755)
    return math.log(0.04 / 3008) if 0xD8 <= code[0] <= 0xF7 and code[1] >= 0xA1 else math.log(0.01 / 14000)


def _big5(code: bytes) -> float:
    if 0xA4 <= code[0] <= 0xC6:  # level 1: 5,401 usual characters
        return math.log(0.97 / 5401)
    return math.log(0.02 / 7652) if code[0] >= 0xC9 else math.log(0.01 / 1000)


def _cp932(code: bytes) -> float:
    if len(code) == 1:
        return math.log(0.01 / 63)  # katakana of half width
    if code[0] in (0x82, 0x83) or code == b"\x81\x5b":  # kana, and the sign that lengthens them
        return math.log(0.5 / 180)
    # JIS X 0208 level 1: 2,965 usual characters
    return math.log(0.47 / 2965) if 0x88 <= code[0] <= 0x98 else math.log(0.02 / 4000)


def _euc_jp(code: bytes) -> float:
    if code[0] in (0xA4, 0xA5):
        return math.log(0.5 / 180)
    return math.log(0.47 / 2965) if 0xB0 <= code[0] <= 0xCF else math.log(0.02 / 4000)


def _cp949(code: bytes) -> float:
    if code.decode("cp949") in _HANGUL:
        return math.log(0.75 / len(_HANGUL))
    if 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1:  # KS X 1001: 2,350 syllables
        return math.log(0.23 / 2150)
    return math.log(0.01 / 9000)


# The same for those that take two bytes a character, whose usual ones are known by their codes.
_BY_CODE: dict[str, tuple[str, Callable[[bytes], float], float]] = {
    "gb18030": ("GBK", _gbk, 0.0),
    "big5": ("Big5", _big5, 0.0),
    "cp932": ("Shift-JIS", _cp932, 0.0),
    "cp949": ("EUC-KR", _cp949, 0.5),
    "euc_jp": ("EUC-JP", _euc_jp, 2.0),
}
ONE_BYTE = frozenset(_ALPHABETS)
LOSSLESS = "cp437"  # the encoding that every byte has a sign in, and that the ZIP format names


def detect(names: Iterable[bytes]) -> tuple[str, str] | None:
    """Find the encoding in which all of ``names`` (none of them plain ASCII) are most plausibly written.

    Returns Python's name of it and the usual one. None where no encoding makes plausible text of all of them and
    keeps different names different.
    """
    unlike = sorted(set(names))
    if decoded(unlike, "utf-8") is not None:
        return "utf-8", "UTF-8"
    usual = {code: row[0] for code, row in (*_BY_CODE.items(), *_ALPHABETS.items())}
    # A sample from everywhere: sorted names begin alike.
    step = 1 + sum(map(len, unlike)) // _MOST_BYTES
    sample = unlike[::step]
    possible = _possible(b"\n".join(sample), tuple(usual))
    likely: dict[str, float] = {}
    for code in usual:
        if code in possible and decoded(unlike, code) is not None:
            likely[code] = _likelihood([name.decode(code) for name in sample], code)
    if not likely:
        return None
    best = max(likely, key=lambda code: likely[code])
    strange = [_sign(sign, best) for name in sample for sign in name.decode(best) if sign >= "\x80"]
    return (best, usual[best]) if sum(strange) / len(strange) > _IMPLAUSIBLE else None


def decoded(names: Sequence[bytes], encoding: str) -> list[str] | None:
    """Decode different ``names``; None where one has no printable text in it, or two become the same."""
    try:
        text = b"\0".join(names).decode(encoding)
    except UnicodeDecodeError:
        return None
    texts = text.split("\0")
    unreadable = ("Cc", "Cf", "Cn", "Co", "Cs")
    if any(unicodedata.category(sign) in unreadable for sign in set(text) if sign > "~"):
        return None
    different = len({unicodedata.normalize("NFC", one) for one in texts}) == len(names)
    return texts if different else None


def _possible(sample: bytes, encodings: Sequence[str]) -> set[str]:
    """Ask charset-normalizer which of ``encodings`` make no mess of the bytes."""
    matches = from_bytes(sample, cp_isolation=list(encodings), threshold=_MESS, enable_fallback=False)
    return {code for match in matches for code in match.could_be_from_charset}


def _likelihood(texts: Sequence[str], code: str) -> float:
    """How likely the texts are in an encoding, in nats, up to a constant."""
    score = -(_BY_CODE[code][2] if code in _BY_CODE else _ALPHABETS[code][2])
    for text in texts:
        before = ""
        for sign in text:
            score += _sign(sign, code) + _CAPITAL * (sign.isupper() and not before.isupper())
            if before.isalpha() and sign.isalpha():
                other_script = (before < "\u0250") != (sign < "\u0250")
                score += _WITHIN_WORD * (other_script or (before.islower() and sign.isupper()))
            before = sign
    return score


@functools.cache
def _sign(sign: str, code: str) -> float:
    if sign < "\x80":
        usual = 1.0 if sign.isalnum() or sign in " _-." else 0.05 if sign != "\\" else 0.005
        return math.log(usual / 30)
    if code in _BY_CODE:
        return _BY_CODE[code][1](sign.encode(code))
    alphabet = _ALPHABETS[code][1]
    few = _FEW if alphabet in (_WEST, _CENTRAL, _TURKISH) else 0.0
    small = sign.lower()
    for letters, share in zip(alphabet, (0.8, 0.16, 0.02), strict=True):
        if small in letters:
            place = (len(letters) - letters.index(small)) / (len(letters) + 1)  # the usual ones come first
            return math.log(share * 2 * place / len(letters)) + few
    return math.log(0.02 / 100) + few - (0.0 if sign.isalpha() else 5.0)
