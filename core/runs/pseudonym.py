"""What others may call a visitor: an animal, which says nothing about who it is. Torch-free."""

import hashlib
import hmac

COLOURS = (
    *("amber", "azure", "blue", "bronze", "copper", "coral", "crimson", "golden", "green", "indigo", "ivory"),
    *("jade", "lilac", "olive", "orange", "pearl", "purple", "red", "ruby", "silver", "teal", "white"),
)
ANIMALS = (
    *("badger", "beaver", "bison", "crane", "deer", "dolphin", "eagle", "falcon", "finch", "fox", "gecko"),
    *("hare", "hawk", "heron", "ibex", "jay", "koala", "lark", "lemur", "lynx", "marten", "mole", "moose"),
    *("newt", "otter", "owl", "panda", "puffin", "quail", "raven", "robin", "seal", "shrew", "stork", "swan"),
    *("tiger", "toad", "trout", "turtle", "vole", "walrus", "whale", "wolf", "wren", "yak", "zebra"),
)
NUMBERS = 90  # from 10 to 99: with colours and animals about 90,000 names: of 200 classes of thirty, one has two alike


def pseudonym(visitor: str, key: bytes) -> str:
    """Name a visitor, always the same under the same key; without the key, the name leads back to nobody."""
    drawn = int(hashed(visitor, key), 16)
    drawn, colour = divmod(drawn, len(COLOURS))
    drawn, animal = divmod(drawn, len(ANIMALS))
    return f"{COLOURS[colour]} {ANIMALS[animal]} {10 + drawn % NUMBERS}"


def hashed(text: str, key: bytes) -> str:
    """Hash ``text`` with a key to 16 hexadecimal digits: to tell who is the same without keeping who it is."""
    return hmac.digest(key, text.encode(), hashlib.sha256)[:8].hex()


def network_name(network: str) -> str:
    """Call a network, which is a `hashed` address, by a colour and a number."""
    drawn, colour = divmod(int(network, 16), len(COLOURS))
    return f"{COLOURS[colour].capitalize()} network {10 + drawn % NUMBERS}"
