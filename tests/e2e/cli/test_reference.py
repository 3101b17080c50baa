"""Pages in docs/reference say what the binary says."""

import pytest
from commands import leat
from leat import ROOT


@pytest.mark.parametrize("page,file", [("settings", "pipeline"), ("functions", "functions"), ("commands", "commands")])
def test_pages_are_fresh(page, file):
    path = ROOT / "docs" / "reference" / f"{file}.md"
    assert leat("reference", page).stdout == path.read_text(), f"stale: leat reference {page} > {path}"


def test_every_command_has_help():
    commands = [line[2:].split("  ")[0].strip() for line in leat("--help").stdout.splitlines() if line.startswith("  ")]
    assert len(commands) > 5
    for command in commands:
        page = leat(*command.split(), "--help").stdout
        assert "examples:" in page, command


def test_a_group_of_commands_has_help():
    page = leat("topic", "--help").stdout
    assert "leat topic COMMAND" in page and "topic create" in page and "group list" not in page
    assert leat("help", "topic").stdout == page
    assert "topic create" in leat("topic", code=64).stderr
    assert leat("help", "topic", "list").stdout == leat("topic", "list", "--help").stdout
    assert "there is no command" in leat("help", "nothing", code=64).stderr


def test_unknown_page():
    assert "settings, functions and commands" in leat("reference", "setings", code=64).stderr
