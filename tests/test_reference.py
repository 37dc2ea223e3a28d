"""The pages of the reference say everything, in the words of the program."""

from __future__ import annotations

import re

import pytest

from genrecls import api
from genrecls.cli.verbs import VERBS
from genrecls.config.options import choices, groups
from genrecls.config.paths import conf_dir
from scripts.reference import pages
from scripts.reference.project import within_site
from scripts.reference.settings import GROUPS, option_comments


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_every_folder_of_the_configuration_has_a_page(made: dict[str, str]) -> None:
    folders = {
        str(path.parent.relative_to(conf_dir()))
        for path in conf_dir().rglob("*.yaml")
        if path.parent != conf_dir()
    }
    assert folders <= set(GROUPS)
    assert {f"settings/{group.replace('/', '_')}.md" for group in GROUPS} <= set(made)


@pytest.mark.parametrize("group", groups("train"))
def test_every_option_has_a_section(group: str, made: dict[str, str]) -> None:
    sections = re.findall(rf"^## {group}=(\w+)$", made[f"settings/{group}.md"], re.MULTILINE)
    assert sections == list(choices(group))


def test_a_key_has_its_type_range_default_and_comment(made: dict[str, str]) -> None:
    assert (
        "| `optimizer.clip_norm` | number above 0 or `null` | `null` | largest norm of the "
        "gradient; null is off |"
    ) in made["settings/trainer.md"]
    assert "| `conv.blocks.N.filters` | integer from 1 to 65536 |" in made["settings/model.md"]
    assert "| `vote` | `mean`, `majority` | `mean` |" in made["settings/train.md"]
    assert "| `mem_gb` |" in made["settings/cluster.md"]


def test_every_key_has_a_type(made: dict[str, str]) -> None:
    for name, text in made.items():
        if name.startswith("settings/"):
            lacking = re.findall(r"^\| `([\w.]+)` \|  \|", text, re.MULTILINE)
            assert not lacking, f"{name}: {lacking}"


def test_comments_of_an_option_include_those_that_it_begins_with() -> None:
    assert option_comments("trainer", "cosine")["monitor"].startswith("validation figure")
    assert "picture.n_mels" in option_comments("features", "mel_summary")


def test_every_verb_and_every_name_of_the_api_is_there(made: dict[str, str]) -> None:
    assert all(f"\n## genrecls {verb}\n" in made["commands.md"] for verb in VERBS)
    assert all(f"\n### {name}\n" in made["python.md"] for name in api.__all__)


def test_links_above_the_site_lead_to_its_pages() -> None:
    page = "/reference/project/contributing.md"
    assert within_site("[x](../../CONTRIBUTING.md#rules)") == f"[x]({page}#rules)"
    assert within_site("[x](docs/clusters.md)") == "[x](/clusters.md)"
    assert within_site("[x](other/CONTRIBUTING.md)") == "[x](other/CONTRIBUTING.md)"
