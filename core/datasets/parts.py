"""Which folders are parts of a data set (training, validation, test) and which are classes: from names and places.

A name alone proves nothing: "train" may be a vehicle, "test tube" and "training shoes" are things. So folders are
parts where their names say so *and* they go together: a training part with a test or validation part beside it, of
one and the same thing. Where names say so and the rest does not fit, nothing is guessed: the archive is refused with
what was seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.datasets.part_names import WORDS, Named, PartRole, key, named, numbered, pictures_and_masks
from core.errors import DataError
from core.words import some


@dataclass(eq=False)
class Folder:
    """A folder with pictures in it or below it: ``files`` are the numbers of those in it, ``count`` is of all."""

    name: str = ""
    parent: "Folder | None" = field(default=None, repr=False)
    folders: dict[str, "Folder"] = field(default_factory=dict)
    files: list[int] = field(default_factory=list)
    count: int = 0

    def path(self) -> tuple[str, ...]:
        """Name the folders from the root to this one."""
        names: list[str] = []
        one = self
        while one.parent is not None:
            names.append(one.name)
            one = one.parent
        return tuple(reversed(names))

    def below(self) -> Iterator[int]:
        """Give the numbers of all pictures in and below it."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield from one.files
            waiting.extend(one.folders.values())


@dataclass(frozen=True, kw_only=True)
class FoundPart:
    """One class of one part: its pictures lie below ``folder``."""

    role: PartRole
    class_name: str
    folder: Folder


@dataclass(frozen=True, kw_only=True)
class FoundParts:
    """Class folders by part. ``holders`` are the folders that class folders lie in; ``outside`` (numbers, why)."""

    classes: tuple[FoundPart, ...]
    holders: tuple[Folder, ...]
    outside: tuple[tuple[tuple[int, ...], str], ...]
    remarks: tuple[str, ...] = ()


NO_CLASS = "It lies in no class folder."


def find(root: Folder) -> FoundParts:
    """Find the class folders of all parts. Raises `DataError` where folders look like parts and do not fit together."""
    outside: list[tuple[tuple[int, ...], str]] = []
    top = _unwrapped(root, outside)
    roles = {name: said for name in top.folders if (said := named(name)) is not None}
    exact = {name: said for name, said in roles.items() if not said.of}
    if _go_together(exact):
        return _above_classes(top, exact, outside)
    pairs = [chosen for chosen in _by_thing(roles) if _go_together(chosen)]
    if len(pairs) == 1:
        return _above_classes(top, pairs[0], outside)
    if pairs:
        return _in_class_names(top, roles, pairs, outside)
    if exact and _go_together(roles) and len(_shared([top.folders[name] for name in roles])) > 1:
        return _above_classes(
            top, roles, outside
        )  # "train", "test_easy", "test_hard": the same classes in all
    with_parts = [name for name, one in top.folders.items() if _has_parts(_inner(one))]
    if with_parts:
        return _below_classes(top, with_parts, outside)
    return _no_parts(top, roles, exact, outside)


# --- the layouts ----------------------------------------------------------------------------------------


def _above_classes(
    top: Folder, chosen: dict[str, Named], outside: list[tuple[tuple[int, ...], str]]
) -> FoundParts:
    """``train/cat``, ``test/cat``: parts with the class folders in them."""
    others = {name: one for name, one in top.folders.items() if name not in chosen}
    training = [name for name, said in chosen.items() if said.role == "train"]
    if not any(top.folders[name].folders for name in training):
        if others or any(top.folders[name].folders for name in chosen):
            raise _refusal(chosen, "but the training part has no class folders")
        raise DataError(
            f"The folders {_list(chosen)} look like parts of a data set and hold no class folders: put the pictures "
            "of each class into a folder that bears its name, inside them."
        )
    outside.append((tuple(top.files), NO_CLASS))
    outside += [
        (tuple(one.below()), f"It lies outside the parts ({_list(chosen)}).") for one in others.values()
    ]
    holders, classes, remarks = [], [], []
    known: set[str] = set()
    for name in sorted(chosen, key=lambda name: chosen[name].role != "train"):
        holder = _unwrapped(top.folders[name], outside, known)
        outside.append((tuple(holder.files), NO_CLASS))
        role = chosen[name].role
        inner = _exact(holder)
        deeper = any(
            holder.folders[one].folders for one in inner
        )  # else they are classes, whatever their names
        if role == "train" and deeper and set(inner) == set(holder.folders) and _go_together(inner):
            # train/train, train/val: what is chosen on was set aside from what is trained on.
            pieces = [(holder.folders[one], said.role) for one, said in inner.items()]
            remarks.append(f"In “{name}”, these folders were taken for parts: {_roles_said(inner)}.")
        else:
            pieces = [(holder, role)]
        for piece, its in pieces:
            within = "validation" if role == "train" != its else role
            holders.append(piece)
            classes += [
                FoundPart(role=within, class_name=one, folder=it) for one, it in piece.folders.items()
            ]
            known |= {key(one) for one in piece.folders} if role == "train" else set()
        if role != "train" and holder.files and not holder.folders:
            remarks.append(
                f"“{name}” has no class folders, so its {len(holder.files):,} pictures test nothing."
            )
    if len({one.class_name for one in classes}) == 1:
        raise DataError(
            f"There is only one class ({classes[0].class_name[:40]}) in the parts {_list(chosen)}; a classifier needs "
            "at least two, each in a folder of its own in each part."
        )
    if not all(name.lower() in WORDS for name in chosen):
        remarks.append(f"These folders were taken for parts of the data set: {_roles_said(chosen)}.")
    if others:
        count = sum(one.count for one in others.values())
        remarks.append(
            f"Beside the parts {_list(chosen)} lie other folders ({_list(others)}); their {count:,} files are left out."
        )
    return FoundParts(
        classes=tuple(classes), holders=tuple(holders), outside=tuple(outside), remarks=tuple(remarks)
    )


def _in_class_names(
    top: Folder,
    roles: dict[str, Named],
    pairs: list[dict[str, Named]],
    outside: list[tuple[tuple[int, ...], str]],
) -> FoundParts:
    """``cat_train``, ``cat_test``, ``dog_train`` …: class and part in one name."""
    inside = {name for chosen in pairs for name in chosen}
    if set(top.folders) != inside or any(len(top.folders[name].folders) > 1 for name in inside):
        raise _refusal(roles, "but they do not go together as parts of one")
    outside.append((tuple(top.files), NO_CLASS))
    return FoundParts(
        classes=tuple(
            FoundPart(role=roles[name].role, class_name=roles[name].label, folder=one)
            for name, one in top.folders.items()
        ),
        holders=(top,),
        outside=tuple(outside),
        remarks=(f"Class and part were read out of one name: {_roles_said(roles)}.",),
    )


def _below_classes(
    top: Folder, with_parts: list[str], outside: list[tuple[tuple[int, ...], str]]
) -> FoundParts:
    """``cat/train``, ``cat/test``, ``dog/train`` …: parts below each class."""
    inner = {name: _inner(one) for name, one in top.folders.items()}
    seen = [f"{name}/{part}" for name in with_parts for part in _exact(inner[name])]
    without = [name for name, one in inner.items() if not _exact(one)]
    if without:
        raise _refusal(seen, f"but {_list(without)} has no such folders")
    if any(len(one.folders) > 1 for name in with_parts for one in _parts_of(inner[name])):
        raise _refusal(seen, "of more data sets than one; bring one of them")
    outside.append((tuple(top.files), NO_CLASS))
    classes = []
    names: dict[str, Named] = {}
    for name, class_folder in inner.items():
        parts = _exact(class_folder)
        names |= parts
        classes += [
            FoundPart(role=said.role, class_name=name, folder=class_folder.folders[part])
            for part, said in parts.items()
        ]
        beside = [n for part, one in class_folder.folders.items() if part not in parts for n in one.below()]
        outside.append(
            ((*class_folder.files, *beside), "It lies beside the parts of its class, in none of them.")
        )
    return FoundParts(
        classes=tuple(classes),
        holders=(top,),
        outside=tuple(outside),
        remarks=(f"These folders below each class were taken for parts: {_roles_said(names)}.",),
    )


def _no_parts(
    top: Folder,
    roles: dict[str, Named],
    exact: dict[str, Named],
    outside: list[tuple[tuple[int, ...], str]],
) -> FoundParts:
    """Class folders alone, unless something looks like a part after all."""
    if exact and len(exact) == len(top.folders) > 1:
        if all(said.role == "train" for said in exact.values()):
            if all(top.folders[name].folders for name in exact):
                return _above_classes(top, exact, outside)
            raise _refusal(exact, "but hold no class folders")
        raise DataError(
            f"There is a test part but no train/ folder ({_list(exact)}); add one with the same class folders."
        )
    if len(top.folders) > 1 and any(len(top.folders[name].folders) > 1 for name in exact):
        raise _refusal(roles, "but nothing beside them goes with them")
    alike = _shared_below(top)
    if alike and roles and len(top.folders) < 4:
        raise _refusal(
            roles, f"since folders beside them hold the same folders as they do ({_list(alike)})", top
        )
    if alike and all(map(numbered, top.folders)):
        raise _refusal(top.folders, f"since all of them hold the same folders ({_list(alike)})")
    outside.append((tuple(top.files), NO_CLASS))
    remarks = [
        f"“{name}” was taken for a class, not for a part of the data set: no part beside it goes with it."
        for name in exact
        if len(top.folders) > 1
    ]
    deeper = [name for name, one in top.folders.items() if len(one.folders) > 1 and not one.files]
    if len(deeper) < len(top.folders):  # not of all: a wrapper beside something else, perhaps
        remarks += [
            f"The folders below “{name}” ({_list(top.folders[name].folders)}) became one class of that name; if they "
            f"are the classes, bring “{name}” alone."
            for name in sorted(deeper)[:3]
            if not pictures_and_masks(top.folders[name].folders)
        ]
    if alike and not pictures_and_masks(alike):
        remarks.append(
            f"The same folders ({_list(alike)}) lie below {_list(top.folders)}, which were taken for the classes; if "
            "they are parts, name them train and test."
        )
    return FoundParts(
        classes=tuple(
            FoundPart(role="train", class_name=name, folder=one) for name, one in top.folders.items()
        ),
        holders=(top,),
        outside=tuple(outside),
        remarks=tuple(remarks),
    )


# --- what goes together ---------------------------------------------------------------------------------


def _by_thing(roles: dict[str, Named]) -> list[dict[str, Named]]:
    """Group the names that bear a role by whose part they are; those that name no thing are left out."""
    things: dict[tuple[str, ...], dict[str, Named]] = {}
    for name, said in roles.items():
        if said.of:
            things.setdefault(said.of, {})[name] = said
    return list(things.values())


def _go_together(chosen: dict[str, Named]) -> bool:
    """Whether there is a training part, and another one beside it."""
    roles = {said.role for said in chosen.values()}
    return "train" in roles and len(roles) > 1


def _exact(folder: Folder) -> dict[str, Named]:
    """Find the parts of a folder: "train", and in "cat" also "cat_train"."""
    own = ("", key(folder.name))
    return {
        name: said
        for name in folder.folders
        if (said := named(name)) is not None and key(" ".join(said.of)) in own
    }


def _inner(folder: Folder) -> Folder:
    """Go down through folders that hold one folder and nothing else, to the parts of a class."""
    one = folder
    while not one.files and len(one.folders) == 1 and not _exact(one):
        (one,) = one.folders.values()
    return one if _has_parts(one) else folder


def _has_parts(folder: Folder) -> bool:
    return _go_together(_exact(folder))


def _parts_of(folder: Folder) -> list[Folder]:
    return [folder.folders[name] for name in _exact(folder)]


def _shared_below(top: Folder) -> list[str]:
    """Name the folders that lie below every one of several folders alike, two at least."""
    common = _shared(list(top.folders.values()))
    return common if len(common) > 1 else []


def _shared(folders: list[Folder]) -> list[str]:
    names = [frozenset(map(key, one.folders)) for one in folders]
    return sorted(frozenset.intersection(*names)) if len(names) > 1 else []


def _unwrapped(
    folder: Folder, outside: list[tuple[tuple[int, ...], str]], known: Iterable[str] = ()
) -> Folder:
    """Go down through folders that wrap everything, as long as class folders remain below them.

    A few pictures may lie beside what is wrapped (a preview, a licence without a suffix); a folder with many of its
    own is a class with folders in it, and so is one whose name is among the ``known`` classes.
    """
    while True:
        inner = _wrapped_set(folder, known)
        if inner is None:
            return folder
        beside = (
            *folder.files,
            *(n for one in folder.folders.values() if one is not inner for n in one.below()),
        )
        outside.append((beside, NO_CLASS))
        folder = inner


def _wrapped_set(folder: Folder, known: Iterable[str]) -> Folder | None:
    if len(folder.folders) == 1:
        ((name, only),) = folder.folders.items()
        if not only.folders or key(name) in known:
            return None
        usual = (only.count - len(only.files)) / len(only.folders)
        return only if len(only.files) < usual else None
    # One of several folders is a whole data set, with parts that hold class folders; the rest lies beside it.
    whole = [
        one
        for one in folder.folders.values()
        if _has_parts(one) and any(len(part.folders) > 1 for part in _parts_of(one))
    ]
    return whole[0] if len(whole) == 1 and not any(map(named, folder.folders)) else None


# --- words ----------------------------------------------------------------------------------------------


def _list(names: Iterable[str]) -> str:
    return some([name[:40] for name in sorted(names)])


def _roles_said(chosen: dict[str, Named]) -> str:
    said = [
        f"{_list(names)} for {role}"
        for role in ("train", "validation", "test")
        if (names := [name for name, one in chosen.items() if one.role == role])
    ]
    return ", ".join(said)


def _refusal(seen: Iterable[str], why: str, top: Folder | None = None) -> DataError:
    names = _list(top.folders) if top is not None else _list(seen)
    return DataError(
        f"These folders look like parts of a data set: {names}, {why}. Name the parts train and test and put the same "
        "class folders into each, or rename the folders if they are classes."
    )
