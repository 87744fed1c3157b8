"""The shell blocks of the documents, and what is needed to run them as they stand there.

A block of ```sh is commands; a block of ```console is a transcript: commands behind "$ ", and what
they print. A comment before a block says what a reader would see from the text:

  <!-- docs: exit 3 -->            the last command ends with this code
  <!-- docs: not run: REASON -->   it is shown, and not run by the test of the documents

Anything else that looks like a command is an error of the page, so that no page can drift.
"""

import dataclasses
import re

COMMAND = re.compile(r"(?:\$ )?(?:lite2pg|tools/[a-z]+)(?: |$)")
FENCE = re.compile(r"^(`{3,})(\S*)\s*$")
NOTE = re.compile(r"^<!-- docs: (?:exit (?P<exit>\d+)|not run: (?P<reason>.+)) -->$")


@dataclasses.dataclass
class Block:
    line: int
    language: str
    text: str
    exit_code: int = 0
    not_run: str = ""


def blocks(page):
    """All fenced blocks of a page."""
    found, note, fence = [], None, None
    for number, line in enumerate(page.splitlines(), 1):
        match = FENCE.match(line)
        if fence is None and match:
            fence, lines = (match[1], number, match[2]), []
        elif fence is not None and match and match[1] == fence[0] and not match[2]:
            block = Block(fence[1], fence[2], "\n".join(lines) + "\n")
            if note is not None and note["exit"]:
                block.exit_code = int(note["exit"])
            elif note is not None:
                block.not_run = note["reason"]
            found.append(block)
            fence = note = None
        elif fence is not None:
            lines.append(line)
        elif line.strip():
            note = NOTE.match(line)
    return found


def runs(block):
    return block.language in ("sh", "console")


def stray_commands(block):
    """Lines of a block that is not run, and look as if somebody should type them."""
    if runs(block):
        return []
    return [line for line in block.text.splitlines() if COMMAND.match(line.strip())]


def steps(block):
    """(command, lines that it prints) of a block; nothing is said of what an sh block prints."""
    if block.language == "sh":
        return [(block.text, None)]
    found = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def normal(line):
    """What of a printed line does not depend on the machine, the hour and the run: its words."""
    line = re.sub(r"\b[0-9a-f]{8}(?:[0-9a-f]{24})?\b", "", line)
    line = re.sub(r"(?:/[\w.-]+)+/([\w.-]+)", r"\1", line)
    line = re.sub(r"\b\d[\d,.]*(?: (?:[KMG]iB|B|ms|min|s)\b)?", "", line)
    # How many there are depends on the processors.
    line = re.sub(r"\bstreams?\b", "", line)
    return re.sub(r"\s+", " ", line).strip()


def inline_commands(page):
    """Commands within sentences: `lite2pg copy ...`."""
    text = re.sub(r"^```.*?^```\s*$", "", page, flags=re.S | re.M)
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`(lite2pg [^`]*)`", text)]
