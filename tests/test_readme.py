"""What the README and the packaging files state is so."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from course_lib import facts

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(str(p) for p in ROOT.glob("docs/*.md"))]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_readme_lists_every_chapter():
    chapters = sorted(path.name for path in ROOT.glob("notebooks/*.ipynb"))
    assert re.findall(r"^\| \[.*?\]\(notebooks/(.*?)\)", README, flags=re.M) == chapters


def test_the_readme_counts_the_claims_and_the_corrected_ones():
    verdicts = Counter(fact.verdict for fact in facts.facts().values())
    corrected = sum(verdicts[verdict] for verdict in facts.CORRECTED)
    assert f"Of {verdicts.total()} claims {corrected} had to be corrected" in README


def test_the_pinned_versions_lie_in_the_ranges_of_the_package():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), flags=re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"]:
        name, low, high = re.fullmatch(r"([\w-]+)(?:>=([\d.]+))?(?:,<([\d.]+))?", requirement).groups()
        pinned = [int(part) for part in pins[name].split(".")]
        assert low is None or pinned >= [int(part) for part in low.split(".")], name
        assert high is None or pinned < [int(part) for part in high.split(".")], name
