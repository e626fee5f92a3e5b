"""Small photos for the demo, made with Pillow, and a writer of ratings that shares no code with ImaLink."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from PIL import Image

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
_CAMERAS = (("Nordlys", "N-1"), ("Solvik", "Compact 7"), ("Fjell", "Panorama"))
_KINDS = ("jpg", "jpg", "jpg", "jpg", "png", "jpg", "tif", "jpg", "webp", "jpg", "gif", "jpg", "bmp")


def make_photos(folder: Path, count: int, *, seed: int = 1) -> None:
    """Fill ``folder`` as a card or an old disk might be: several kinds, sidecars, copies, a broken file, a note.

    ``count`` is the number of different pictures, at least 4. Beside them come the first one again byte for byte, the
    second one again with another rating, two sidecars, a JPEG cut short and a text file.
    """
    chance = random.Random(seed)
    made: list[Path] = []
    for number in range(count):
        kind = _KINDS[number % len(_KINDS)]
        path = folder / f"2024-{1 + number * 12 // count:02}" / f"IMG_{number:04}.{kind}"
        make_photo(path, chance)
        made.append(path)
    shutil.copy2(made[0], folder / "copy of the first.jpg")
    put_rating(Path(shutil.copy2(made[1], folder / "second, rated.jpg")), 4)
    for rating, path in enumerate(made[2:4], start=2):
        path.with_suffix(path.suffix + ".xmp").write_bytes(_packet(rating))
    (folder / "cut short.jpg").write_bytes(made[2].read_bytes()[:600])
    (folder / "notes.txt").write_text("Not a picture.\n")


def make_photo(path: Path, chance: random.Random) -> Path:
    """Write one picture like no other, of the kind its name says; JPEG and WebP with camera and mostly a date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.frombytes("RGB", (12, 9), chance.randbytes(12 * 9 * 3))
    size = (240 + 8 * chance.randrange(12), 180)
    picture = coarse.transform(size, Image.Transform.EXTENT, (0, 0, 12, 9), Image.Resampling.BICUBIC)
    month, day, hour, minute = (
        chance.randint(1, 12),
        chance.randint(1, 28),
        chance.randint(6, 21),
        chance.randint(0, 59),
    )
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = chance.choice(_CAMERAS)
    if chance.random() < 0.8:
        exif.get_ifd(0x8769)[0x9003] = f"2024:{month:02}:{day:02} {hour:02}:{minute:02}:07"
    if path.suffix in (".jpg", ".webp"):
        picture.save(path, quality=85, exif=exif)
    else:
        picture.save(path)
    moment = 1_700_000_000 + chance.randrange(30_000_000)
    os.utime(path, (moment, moment))
    return path


def has_xmp(path: Path) -> bool:
    """Tell whether a file holds any XMP."""
    return b"http://ns.adobe.com/xap/1.0/" in path.read_bytes()


def put_rating(path: Path, rating: int) -> None:
    """Put a rating into a JPEG as photo programs do: in an XMP segment. Not a byte of the picture data changes."""
    data = path.read_bytes()
    if data[:2] != b"\xff\xd8":
        raise ValueError(f"{path.name} is no JPEG")
    kept, at = [b"\xff\xd8"], 2
    while data[at + 1] != 0xDA:  # up to the first scan
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not data.startswith(_XMP_HEADER, at + 4):
            kept.append(data[at:end])
        at = end
    payload = _XMP_HEADER + _packet(rating)
    # After the leading APP segments, where every reader looks for it.
    place = next((number for number, part in enumerate(kept) if number and not 0xE0 <= part[1] <= 0xEF), len(kept))
    kept.insert(place, b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload)
    path.write_bytes(b"".join((*kept, data[at:])))


def _packet(rating: int) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}"/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()
