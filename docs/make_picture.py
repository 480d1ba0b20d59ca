"""Make docs/contact-sheet.png: `medaug preview` of the README's recipe on the sample brain."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from medaug_cli.preview import load_previewed, preview_copies
from medaug_cli.recipe import load_recipe
from medaug_cli.report.sheet import make_sheet
from medaug_cli.report.write import write_sheet

PROJECT = Path(__file__).parents[1]
COPIES = 5


def main() -> None:
    """Draw the sheet."""
    found = re.search(r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    if found is None:
        raise SystemExit("README.md holds no recipe")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        path.write_text(found[1], encoding="utf-8")
        recipe = load_recipe(path)
    orders, sample = load_previewed(recipe, PROJECT / "sample_data" / "brain-mr", None)
    sheet = make_sheet(sample, preview_copies(orders, sample, COPIES), recipe.name, recipe.seed)
    write_sheet(sheet, PROJECT / "docs" / "contact-sheet.png")


if __name__ == "__main__":
    main()
