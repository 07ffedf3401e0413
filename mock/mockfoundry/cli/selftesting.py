"""`mockfoundry selftest`: whether rules fire exactly as often as they say, on this machine."""

import click


@click.command()
@click.option("--rounds", default=1000, type=click.IntRange(1, 100_000), show_default=True, help="How many to play.")
def selftest(rounds: int) -> None:
    """Play rounds of 32 parallel requests against a server of its own: exit code 0 if every one was exact, 1 if not."""
    from mockfoundry.selftest import PARALLEL, SEQUENCE, TIMES, exactness

    result = exactness(rounds)
    click.echo(f"{PARALLEL} parallel requests a round, {result.seconds:.1f} seconds")
    click.echo(f"  a rule with times: {TIMES} fired exactly {TIMES} times    {result.counted} of {rounds} rounds")
    click.echo(f"  a sequence of {len(SEQUENCE)} came whole and in turn     {result.in_turn} of {rounds} rounds")
    if not result.holds:
        raise SystemExit(1)
