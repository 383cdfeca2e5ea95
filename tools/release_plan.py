"""Print the packages in the order in which they are released: `python -m tools.release_plan`."""

from tools import packages


def main() -> None:
    """Print one line a package: its place, name and version, and the siblings released before it."""
    found = packages.find()
    for place, package in enumerate(packages.release_order(found), start=1):
        needs = [sibling.distribution for sibling in packages.siblings(package.dependencies, found)]
        print(f"{place:2}. {package.distribution} {package.version}  after: {', '.join(needs) or 'nothing'}")


if __name__ == "__main__":
    main()
