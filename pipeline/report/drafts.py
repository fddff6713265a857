"""Drafts of rules as a rule file that a person goes on with."""

from __future__ import annotations

from parsers.failure_classes import CUSTOM_PREFIX
from pipeline.suggestions import Draft, Suggestions

TODO = "TODO"


def render_rules(suggestions: Suggestions) -> str:
    """The drafts as a rule file."""
    blocks = [
        "# Drafts for errors that no rule knows, made of a log. For each: say what it means, replace the class by one",
        "# of the documentation or a custom one of your own, and loosen or tighten the pattern. Then:",
        "#   whystuck rules test FILE      and      whystuck replay --rules FILE LOG",
    ]
    blocks += ["\n".join(_render(draft)) for draft in suggestions.drafts]
    if suggestions.left_out:
        lines = [f"# {_comment(template.template)}" for template in suggestions.left_out]
        blocks.append("\n".join(["# Too general, or too short, for a rule:", *lines]))
    return "\n".join(blocks[:3]) + "".join(f"\n\n{block}" for block in blocks[3:]) + "\n"


def _render(draft: Draft) -> list[str]:
    template = draft.template
    first = template.samples[0]
    count = f"{template.count:,} time{'s' if template.count != 1 else ''}"
    return [
        f"# {_comment(template.template)}",
        f"# met {count}, first at {_comment(first.source)}:{first.line}",
        "[[rule]]",
        f"id = {_quoted(draft.id)}",
        f"class = {_quoted(CUSTOM_PREFIX + draft.id)}",
        f"literals = [{_quoted(draft.literal)}]",
        f"pattern = {_quoted(draft.pattern)}",
        f"explanation = {_quoted(f'{TODO}: say what this error means, and who or what is to blame.')}",
        "samples_match = [",
        *(f"  {_quoted(sample)}," for sample in draft.samples),
        "]",
        "",
        "[[rule.remediation]]",
        f"step = {_quoted(f'{TODO}: say what to do about it.')}",
    ]


def _comment(text: str) -> str:
    """The text on one line, without what a comment may not hold."""
    return "".join(one if one.isprintable() else " " for one in text)[:110]


def _quoted(text: str) -> str:
    """A TOML string: between ''' where nothing has to be escaped, so that patterns can be read."""
    if "'''" not in text and not text.endswith("'") and text.isprintable() and ("\\" in text or '"' in text):
        return f"'''{text}'''"
    escaped = "".join(_ESCAPES.get(one) or (one if one.isprintable() else f"\\U{ord(one):08X}") for one in text)
    return f'"{escaped}"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
