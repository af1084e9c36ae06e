"""`planbench leaderboard`: results published so that any reader can recompute them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from planbench.cli.closest import closest
from planbench.cli.group import TABLES
from planbench.cli.progress import bar
from planbench.cli.screen import json_line, note
from planbench.cli.settings import with_settings
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.leaderboard.verify import Verification

SITE = "site"

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Within(click.Group):
    """The commands of a command, with variables and tables as all others have."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        return None if found is None else with_settings(found, f"{self.name}-{cmd_name}", TABLES)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(f"no command {self.name} {args[0]!r}{closest(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)


def _folder(command: _Command) -> _Command:
    return click.option(
        "--folder",
        type=click.Path(),
        default="leaderboard",
        show_default=True,
        help="The leaderboard: entries/, growth/, verified.json.",
    )(command)


@click.group(
    name="leaderboard",
    cls=Within,
    no_args_is_help=True,
    epilog="Each option of these commands is also a variable (PLANBENCH_LEADERBOARD_ADD_TITLE) and a key of a "
    "--config FILE.toml.",
)
def command() -> None:
    """Publish results that any reader can recompute, down to every plan."""


@command.command()
@click.argument("run", type=click.Path())
@click.option("--title", default="", help="How the model is called in the table.  [default: as in the run]")
@click.option("--parameters", type=click.IntRange(0), help="How many parameters it has.")
@click.option("--licence", default="", help="What its weights are under, as in Apache-2.0.")
@click.option("--link", default="", help="Where to read more: an http or https address.")
@click.option("--contact", default="", help="Whom to ask.")
@click.option("--note", default="", help="A line that belongs beside the result.")
@_folder
def add(run: str, folder: str, **card: Any) -> None:
    """Make an entry of RUN, a finished run on a whole named task set, and verify it.

    A run of planbench iterate becomes a page of its own, beside the table: its tasks are no named set.
    """
    from planbench.leaderboard.add import add as add_run
    from planbench.leaderboard.add import make_card
    from planbench.leaderboard.growth import add_growth
    from planbench.leaderboard.store import EntryFolder
    from planbench.records.files import ITERATE

    board = EntryFolder(Path(folder))
    filled = make_card(card)
    if (Path(run) / ITERATE).is_file():
        note(f"{add_growth(Path(run), board, filled)}: added; its numbers are the run's own, shown beside the table")
        return
    with bar("adding") as advance:
        entry, path = add_run(Path(run), board, filled, lambda what: advance(0, 1, what))
    rate = entry.results.valid_rate or 0.0
    note(f"{path}: added and verified, {rate:.1%} valid on {entry.tasks.set}")


@command.command()
@click.argument("entries", nargs=-1)
@click.option("--domain", "domains", multiple=True, help="Judge the plans of this domain alone; marks nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an entry.")
@_folder
def verify(entries: tuple[str, ...], domains: tuple[str, ...], as_json: bool, folder: str) -> int:
    """Recompute each ENTRY, or all: make its tasks again, judge every plan, count every number; exit 1 where one is
    wrong.

    Needs no model. What verifies is marked in verified.json, and what does not loses its mark.
    """
    from planbench.leaderboard.growth import check_growth
    from planbench.leaderboard.store import GROWTH, EntryFolder
    from planbench.leaderboard.verify import Verification
    from planbench.leaderboard.verify import verify as verify_entry

    board = EntryFolder(Path(folder))
    names = [_id(entry) for entry in entries] or board.ids()
    others = [] if entries else board.growth_ids()
    if not names and not others:
        raise InputError(f"{board.entries}: no entries; planbench leaderboard add RUN makes one")
    found: list[Verification] = []
    with bar("verifying") as advance:
        for number, name in enumerate(names):
            advance(number, len(names), name)
            found.append(
                verify_entry(board, name, domains, lambda what, number=number: advance(number, len(names), what))
            )
    by_samples = board.by_samples()
    for one in found:
        for other in by_samples.get(one.digests[1], []) if one.digests else []:
            if other != one.id:
                one.fault(f"samples: those of {other}; the same samples are one entry")
    right = [(one.id, one.digests) for one in found if one.verified and one.digests]
    wrong = [one.id for one in found if not one.verified]
    found += [Verification(f"{GROWTH}/{name}", check_growth(board, name)) for name in others]
    if not entries:
        found += [Verification(name, ["a file that belongs to no entry"]) for name in board.strays()]
    _say(found, as_json, f" in {', '.join(domains)}" if domains else "")
    if not domains:
        board.mark(right, wrong)
    return 0 if all(one.verified for one in found) else 1


@command.command()
@_folder
@click.option("--out", type=click.Path(), help="The site's folder, made anew.  [default: site in --folder]")
@click.option("--readme", type=click.Path(), help="Also put the table into this file, between its two marks.")
def build(folder: str, out: str | None, readme: str | None) -> None:
    """Write the tables (Markdown, CSV, JSON) and a static site of what is verified.

    One folder that needs no network: open its index.html, or put it on any static host.
    """
    from planbench.leaderboard.reported import reported
    from planbench.leaderboard.site import build as build_site
    from planbench.leaderboard.store import EntryFolder
    from planbench.leaderboard.tables import into_readme, markdown
    from planbench.records.files import write_whole

    site = Path(out) if out else Path(folder) / SITE
    with bar("building") as advance:
        content = build_site(EntryFolder(Path(folder)), site, lambda done, total: advance(done, total, ""))
    if readme:
        write_whole(Path(readme), into_readme(Path(readme), markdown(content.boards, reported())))
    for other in content.others:
        note(f"not shown: {other}")
    shown = sum(len(rows) for rows in content.boards.values())
    note(f"{site / 'index.html'}: entries: {shown}, iterate runs: {len(content.growth)}")


@command.command()
@_folder
@click.option("--site", type=click.Path(), help="The site's folder.  [default: site in --folder]")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0 takes any free one.")
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser.")
def serve(folder: str, site: str | None, port: int, open_it: bool) -> None:
    """Show the site, on this machine alone, until interrupted."""
    from planbench.leaderboard.serve import server

    with server(Path(site) if site else Path(folder) / SITE, port) as running:
        address = f"http://127.0.0.1:{running.server_port}/"
        click.echo(address)
        note("ctrl-c ends it")
        if open_it:
            click.launch(address)
        running.serve_forever()


@command.command()
@click.argument("entry")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["lm-eval", "inspect", "every-eval-ever", "huggingface"]),
    required=True,
    help="Whose: the LM Evaluation Harness's, Inspect's, Every Eval Ever's, or .eval_results of the Hugging Face hub.",
)
@click.option("--dataset", default="", help="For huggingface: the benchmark's dataset on the hub, as in owner/name.")
@click.option("--out", type=click.Path(), default=".", show_default=True, help="The folder to write into.")
@_folder
def export(entry: str, kind: str, dataset: str, out: str, folder: str) -> None:
    """Write ENTRY in the format of another tool. It is verified first."""
    from planbench.leaderboard.exports import FORMATS
    from planbench.leaderboard.store import EntryFolder
    from planbench.leaderboard.verify import read_samples
    from planbench.leaderboard.verify import verify as verify_entry
    from planbench.records.files import write_whole

    board = EntryFolder(Path(folder))
    found = verify_entry(board, _id(entry))
    if not found.verified:
        raise InputError(f"{entry}: does not verify: {found.faults[0]}")
    stored = board.read(found.id)
    made = FORMATS[kind](stored.entry, read_samples(stored), dataset)
    path = Path(out) / made.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be made: {error.strerror}; choose another --out") from None
    write_whole(path, made.text)
    note(f"{path}: written")


def _say(found: Sequence[Verification], as_json: bool, where: str) -> None:
    from planbench.wording import shown

    for one in found:
        if as_json:
            json_line({"id": one.id, "verified": one.verified, "faults": one.faults, "plans": one.plans})
            continue
        said = [*one.faults, *([f"and {one.others:,} more"] if one.others else [])]
        if one.verified and one.digests:
            said = [f"verified, {one.plans:,} plans judged{where}"]
        elif one.verified:
            said = ["whole; its numbers are the run's own"]
        for line in said:
            click.echo(shown(f"{one.id}: {line}", 1000))  # names of files, and what is in them, may hold anything
    right = sum(one.verified and one.digests is not None for one in found)
    wrong = sum(not one.verified for one in found)
    plans = sum(one.plans for one in found)
    note(f"{right:,} verified{where}, {wrong:,} wrong, {plans:,} plans judged")


def _id(entry: str) -> str:
    """An entry by its id, or by its file."""
    return Path(entry).name.removesuffix(".json")
