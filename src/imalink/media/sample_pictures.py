"""Pictures of nothing, as large as a camera's, to measure with."""

from __future__ import annotations

import io

from imalink.media.pillow import quiet_pillow

_SIZE = (4000, 3000)


def make_sample_pictures(count: int) -> list[bytes]:
    """Give JPEGs of 12 megapixels, no two of the same bytes; they share their pixels, which take half a second."""
    from PIL import Image

    quiet_pillow()
    grain = Image.effect_noise(_SIZE, 24)
    slope = Image.linear_gradient("L").resize(_SIZE)
    picture = Image.merge("RGB", (Image.blend(grain, slope, 0.5), slope, grain))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    # What stands behind the end of a JPEG tells its bytes apart.
    return [out.getvalue() + number.to_bytes(4, "big") for number in range(count)]
