"""The examples of the API reference run as they stand, and its models hold for what the server answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from imalink.api.typescript import models, type_name
from imalink.server import make_routes
from tests.seeds.conftest import Stage, lone_stage
from tests.support.workbench import make_source

__all__ = ["lone_stage"]

README = Path(__file__).resolve().parents[2] / "README.md"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "api" / "API_REFERENCE.md"


def block(heading: str, language: str) -> str:
    """Give the first block of a language after a heading."""
    _, found, rest = PAGE.read_text().partition(f"\n## {heading}\n")
    assert found, f"no heading {heading}"
    match = re.search(rf"^```{language}\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match.group(1)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["bash", "python"])
def test_the_examples_run_as_they_stand(lone_stage: Stage, tmp_path: Path, language: str) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    programs = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable, "-"]}
    done = subprocess.run(
        programs[language],
        input=block("FileStorage testing examples", language),
        env={**os.environ, "API": f"{lone_stage.url}/api/v1", "DRIVE": str(drive)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(drive) in done.stdout
    assert len(list(drive.glob("imalink_*"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_after_the_tour", [False, True])
def test_the_readme_s_tour_over_http_ends_with_a_picture(
    lone_stage: Stage, tmp_path: Path, is_after_the_tour: bool
) -> None:
    card, disk = make_source(tmp_path / "card", 2), tmp_path / "disk"
    disk.mkdir()
    if is_after_the_tour:  # which put the same pictures on the same disk
        for command in (
            ["storage", "create", str(disk), "--name", "Blue Samsung"],
            ["import", str(card), "--storage", "Blue Samsung", "--title", "Italy 2024", "--organize", "date"],
        ):
            environment = {**os.environ, "IMALINK_HOME": str(lone_stage.home), "IMALINK_WORKERS": "0"}
            subprocess.run([sys.executable, "-m", "imalink", *command], env=environment, check=True)
    _, _, rest = README.read_text().partition("\n## Over HTTP\n")
    match = re.search(r"^```bash\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
    assert match is not None
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=match.group(1),
        env={**os.environ, "API": f"{lone_stage.url}/api/v1", "DISK": str(disk), "CARD": str(card)},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "picture.jpg").read_bytes() in [path.read_bytes() for path in card.iterdir()]
    with Image.open(tmp_path / "preview.jpg") as preview:
        assert preview.format == "JPEG"


def test_every_schema_is_a_model_and_no_model_names_an_absent_one() -> None:
    text = block("Schema reference", "typescript")
    declared = re.findall(r"^export (?:interface|type) (\w+)", text, re.MULTILINE)
    schemas = make_routes().openapi()["components"]["schemas"]
    assert sorted(declared) == sorted(map(type_name, schemas))
    assert len(set(declared)) == len(declared)
    used = set(re.findall(r"(?<![\w\"])[A-Z]\w+", re.sub(r"\"[^\"]*\"", "", text))) - {"Record"}
    assert used <= set(declared)
    assert text.count("{") == text.count("}")


def test_the_models_compile(tmp_path: Path) -> None:
    compiler = shutil.which("tsc")
    if compiler is None:
        pytest.skip("there is no TypeScript compiler here; Debian has it as node-typescript")
    (tmp_path / "models.ts").write_text(block("Schema reference", "typescript"))
    (tmp_path / "use.ts").write_text(
        'import { Photo } from "./models";\nexport const title = (photo: Photo): string | null => photo.title;\n'
    )
    done = subprocess.run(
        [compiler, "--strict", "--noEmit", "use.ts", "models.ts"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (tmp_path / "use.ts").write_text(
        'import { Photo } from "./models";\nexport const title = (photo: Photo): number => photo.title;\n'
    )
    done = subprocess.run(
        [compiler, "--strict", "--noEmit", "use.ts"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert "TS2322" in done.stdout  # so that it is known to have looked


def test_models_say_what_may_be_absent_null_or_one_of_a_few() -> None:
    document = {
        "components": {
            "schemas": {
                "A": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"type": "integer"},
                        "odd-name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "kinds": {"type": "array", "items": {"enum": ["a", "b"], "type": "string"}},
                        "more": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/B_c"}},
                    },
                },
                "B_c": {"type": "object"},
            }
        }
    }
    assert models(document) == (
        "export interface A {\n  id: number;\n"
        '  "odd-name"?: string | null;\n'
        '  kinds?: ("a" | "b")[];\n'
        "  more?: Record<string, BC>;\n}\n\n"
        "export type BC = Record<string, unknown>;"
    )
