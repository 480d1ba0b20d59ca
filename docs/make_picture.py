"""Make docs/contact-sheet.png: a brain slice and its augmented copies, by medaug's own code, on the sample data."""

from pathlib import Path
from tempfile import TemporaryDirectory

from medaug_cli.manifest import MANIFEST_NAME, read_records
from medaug_cli.recipe import load_recipe
from medaug_cli.report.sheet import write_sheet
from medaug_cli.run import Options, run

PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Run the brain preset on the sample brain and write the sheet."""
    dataset = PROJECT / "sample_data" / "brain-mr"
    recipe = load_recipe(PROJECT / "configs" / "quickstart.yaml").model_copy(update={"copies": 7})
    with TemporaryDirectory() as folder:
        root = Path(folder) / "out"
        run(recipe, dataset, root, Options(), lambda _: None)
        records = list(read_records(root / MANIFEST_NAME))
        write_sheet(records, dataset, root, PROJECT / "docs" / "contact-sheet.png", columns=4, zoom=2)


if __name__ == "__main__":
    main()
